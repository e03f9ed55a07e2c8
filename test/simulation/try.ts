import { at, type Fate, nothingWrong } from './director.ts';
import { rotated, twoSecrets, broken } from './scenarios.ts';
import { naive } from './naive.ts';
const base = await rotated(nothingWrong);
console.log('base', base.world.calls, base.world.writes, base.world.azureWrites, base.deliveries);
const two = await broken(async () => { const s = await rotated(nothingWrong, { make: twoSecrets, extraDays: 4 }); console.log('two', s.world.writes, s.world.azureWrites); });
console.log('two', two);
console.log('naive', await broken(async () => { await rotated(nothingWrong, { run: naive }); }));
for (const fate of ['crash-before', 'crash-after', 'drop', 'drop-late', 'drop-never', 'unavailable', 'refuse'] as Fate[]) {
  let bad = 0; const t = Date.now(); const seen = new Map<string, number[]>();
  for (let w = 1; w <= base.world.writes; w++) {
    const words = await broken(async () => { await rotated(at(new Map([[w, fate]])), { extraDays: fate === 'refuse' ? 4 : 2 }); });
    if (words) { bad++; const k = words.replace(/ at .*| \d+ minutes/g, ''); seen.set(k, [...(seen.get(k) ?? []), w]); }
  }
  console.log(fate, bad, 'of', base.world.writes, Date.now() - t, 'ms', [...seen].map(([k, v]) => `${k}: ${v}`));
}
