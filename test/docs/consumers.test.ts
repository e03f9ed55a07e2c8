/** The code of docs/consumers.md, run as it stands there. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { consumerKinds } from '../../src/consumers/consumerKinds.ts';
import { root } from './processes.ts';

const page = readFileSync(join(root, 'docs/consumers.md'), 'utf8');
const block = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1] ?? '';

/** Ten rotations: after each the old value is refused. Then a refusal that no newer value mends. */
const JAVASCRIPT = `
let current = 0; let reads = 0; let refusals = 0; let served = 0;
const readSecret = async () => { reads += 1; return 'v' + current; };
const use = following(readSecret, isRefused);
const login = async (value) => {
  if (value !== 'v' + current) { refusals += 1; throw Object.assign(new Error('no'), { statusCode: 401 }); }
  served += 1;
};
for (current = 0; current < 10; current += 1) { await use(login); await use(login); }
current = 9;
let kept = 'none';
try { await use(async () => { throw Object.assign(new Error('other'), { number: 18456 }); }); } catch (error) { kept = error.message; }
let passed = 'none';
try { await use(async () => { throw new Error('network'); }); } catch (error) { passed = error.message; }
console.log(JSON.stringify({ reads, refusals, served, kept, passed }));
`;

it('the page names every action that a consumer role needs, and no other', () => {
  const needed = new Set(consumerKinds.flatMap(({ actions }) => actions));
  const named = [...page.matchAll(/`(Microsoft\.[\w/.*]+\/(?:read|action))`/g)].map(
    ([, name]) => name,
  );
  expect([...new Set(named)].sort()).toEqual([...needed].sort());
});

it('JavaScript follows ten rotations: one read for each, no call lost, no refusal tried a third time', () => {
  const code = `${block('js').replaceAll('export ', '')}${JAVASCRIPT}`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
  });
  expect(JSON.parse(said)).toEqual({
    reads: 11,
    refusals: 9,
    served: 20,
    kept: 'other',
    passed: 'network',
  });
});

const PYTHON = `
state = {"current": 0, "reads": 0, "served": 0}
class Refused(Exception): pass
def read():
    state["reads"] += 1
    return "v%d" % state["current"]
def login(value):
    if value != "v%d" % state["current"]:
        raise Refused("no")
    state["served"] += 1
run = following(read, lambda error: isinstance(error, Refused))
for turn in range(10):
    state["current"] = turn
    run(login)
    run(login)
print(state["reads"], state["served"])
`;

const python = (() => {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

it(`Python does the same${python ? '' : ' (there is no python3 here: only looked at)'}`, () => {
  const code = `${block('python')}${PYTHON}`;
  expect(code).toContain('def following');
  if (!python) return;
  expect(execFileSync('python3', ['-c', code], { encoding: 'utf8' }).trim()).toBe('10 20');
});
