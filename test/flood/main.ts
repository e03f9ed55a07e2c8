/**
 * `npm run flood -- [--flood N] [--good N]`: the flood of the cases at full size, and its figures; what it costs first in
 * memory, where the hour of its looks takes a minute.
 */
import { parseArgs } from 'node:util';
import { memoryFlood } from '../simulation/flood.ts';
import { measureFlood } from './flood.ts';

const { values } = parseArgs({
  options: { flood: { type: 'string', default: '10000' }, good: { type: 'string', default: '50' } },
});
console.log('In memory:', await memoryFlood(Number(values.flood), Number(values.good)));
const started = performance.now();
const figures = await measureFlood(
  { flood: Number(values.flood), good: Number(values.good) },
  console.log,
);
console.table(
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, String(value)])),
);
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s in all`);
const within = figures.besideCalls <= 2 * figures.aloneCalls;
const ratio = (beside: number, alone: number) => (beside / alone).toFixed(2);
console.log(
  `Beside the flood: ${ratio(figures.besideCalls, figures.aloneCalls)} times the calls alone,`,
);
console.log(
  `${ratio(figures.besideSeconds, figures.aloneSeconds)} times the seconds (one machine does all, Azure included).`,
);
process.exit(within ? 0 : 1);
