/**
 * Start and end of the worker. At the start the settings are looked at, so that an app which nobody calls says what is
 * wrong with them (finding HST-04); at the end the passes are told (finding HST-06).
 *
 * The Node worker runs the hooks `appTerminate` when the host ends it, waits for them and exits (terminateWorker.ts of
 * azure-functions-nodejs-worker). Whether a worker gets SIGTERM itself, before or without the host's word, is not known, so
 * both are taken. Console lines of a worker go to the host's log; as which category is not known.
 */
import { app } from '@azure/functions';

let life: Promise<typeof import('./life.ts')> | undefined;
const loaded = () => (life ??= import('./life.ts'));
const print = (_level: unknown, line: string) => console.error(line);

async function begin(): Promise<void> {
  try {
    const { stopping, tellOfSettings } = await loaded();
    stopping.begin();
    tellOfSettings(print);
  } catch {
    // A package that lacks a file: the first call says which one, and 503 (onCall.ts).
  }
}

/** Loads nothing: what was never loaded runs no pass. */
async function end(): Promise<void> {
  process.removeListener('SIGTERM', onTerm);
  try {
    await (await life)?.stopping.stop();
  } catch {
    // As above: nothing runs.
  }
}

/** Without a listener Node would end at once; with this one it ends when the passes have. */
async function onTerm(): Promise<void> {
  await end();
  process.exit(128 + 15);
}

/** Registers both; nothing happens before the host calls. */
export function registerLifetime(): void {
  app.hook.appStart(() => {
    // Whoever listens already decides about the exit: the local host's process has a story to end.
    if (process.listenerCount('SIGTERM') === 0) process.once('SIGTERM', onTerm);
    void begin(); // not waited for: a first call must not be later for it
  });
  app.hook.appTerminate(end);
}
