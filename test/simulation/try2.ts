import { people } from './people.ts';
import { oneSecret, rotateOnce, twoSecrets } from './scenarios.ts';
import type { Sim } from './sim.ts';

const [, , title, call, two] = process.argv;
const ops: string[] = [];
let sim!: Sim;
sim = (two ? twoSecrets : oneSecret)({
  fate: () => 'ok',
  person: (op) => {
    if (!sim) return;
    ops.push(`${op.at}/${op.write} ${op.process} ${op.name} ${new Date(sim.world.now).toISOString()}`);
    if (op.at === Number(call)) {
      sim.world.personActedAt = op.at;
      ops.push('-----');
      people[title!]!(sim);
    }
  },
});
try {
  await rotateOnce(sim, { extraDays: 6 });
  sim.invariants.atRest(sim.own, { settled: true });
} catch (e) {
  console.log(String(e));
}
console.log(
  sim.invariants.texts
    .filter((t) => !t.includes('swept'))
    .slice(-25)
    .join('\n'),
);
console.log(ops.slice(-40).join('\n'));
for (const [v, n] of [
  ['kv1', 'st-a'],
  ['kv2', 'st-b'],
])
  console.log(
    sim.world
      .versions(v!, n!)
      .map((x) =>
        [x.by, x.value.slice(0, 12), x.enabled, new Date(x.createdOn).toISOString(), x.tags['rotator-state']].join(' '),
      )
      .join('\n'),
    '\n',
  );
console.log(sim.world.accounts.get('acct1')?.key1?.slice(0, 14), sim.world.accounts.get('acct1')?.key2?.slice(0, 14));
