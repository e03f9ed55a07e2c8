/** What the worker's start and end take, loaded when they come. Shares its code with `handlers.ts`. */
export { stopping, tellOfSettings } from '../app/app.ts';
