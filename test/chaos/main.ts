/** `npm run chaos -- [--secrets 300] [--kills 100] [--seed 1] [--no-databases]`: in full, with its figures. */
import { parseArgs } from 'node:util';
import { chaos } from './chaos.ts';

const { values } = parseArgs({
  options: {
    secrets: { type: 'string', default: '300' },
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    databases: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const outcome = await chaos({
  secrets: Number(values.secrets),
  kills: Number(values.kills),
  seed: Number(values.seed),
  databases: values.databases,
});
const { violations, ...figures } = outcome;
console.log(JSON.stringify(figures));
for (const violation of violations) console.log(violation);
console.log(`${violations.length} violations`);
process.exit(violations.length > 0 ? 1 : 0);
