/** The program itself, as `npm run keyturn` starts it: at a real terminal (`script` of util-linux), in a pipe, and into a reader that leaves. */
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { endAll, root, start } from '../docs/processes.ts';
import { Cli, stable } from './cli.ts';

let tenant: Tenant;
let cli: Cli;
beforeAll(async () => {
  tenant = await startTenant();
  cli = new Cli(tenant);
  await cli.start();
  tenant.seed('st-a', { account: 'acct1', tags: { owner: 'team-orders' } });
  await tenant.sweepAndSettle();
  await cli.signIn();
});
afterAll(async () => {
  endAll();
  await cli.stop();
  await tenant.stop();
});

const program = `node --import ${join(root, 'local/preload.ts')} ${join(root, 'cli/keyturn.ts')}`;
const shell = (line: string) =>
  start(['sh', '-c', `cd ${cli.folder} && ${line}`], { NO_COLOR: '', TERM: 'xterm' });

it('at a terminal: cut to its width, in colours', async () => {
  const typed = shell(`script -qec 'stty cols 64 rows 20; ${program} list --local' /dev/null`);
  expect(await typed.ended).toBe(0);
  const lines = typed.stdout().replaceAll('\r', '').trimEnd().split('\n');
  expect(typed.stdout()).toContain('\x1b[32mok');
  const plain = lines.map((line) => stripVTControlCharacters(line));
  expect(stable(plain.join('\n'))).toBe(
    [
      'SECRET    STATE  KIND            TARGET  OWNER        DUE',
      'kv1/st-a  ok     storage-accou…  acct1   team-orders  0000-00-00',
    ].join('\n'),
  );
  for (const line of plain) expect(line.length).toBeLessThanOrEqual(64);
});

it('at a terminal: an error in red, with its exit code', async () => {
  const typed = shell(
    `script -qec 'stty cols 64 rows 20; ${program} show kv1/none --local' /dev/null`,
  );
  expect([
    await typed.ended,
    typed.stdout().includes('\x1b[31merror:\x1b[0m There is no such thing'),
  ]).toEqual([4, true]);
});

it('at a terminal: whoever sits there is asked, and a no writes nothing', async () => {
  const line = `stty cols 100 rows 20; ${program} tag kv1/st-a --set cost=4711 --local`;
  const typed = shell(`(sleep 0.2; echo n) | script -qec '${line}' /dev/null`);
  expect(await typed.ended).toBe(3);
  expect(typed.stdout()).toContain('\x1b[32madd');
  expect(typed.stdout()).toMatch(
    /Write these tags to kv1\/st-a\? \[y\/N\].*Nothing was written\./s,
  );
  expect(tenant.current('st-a').tags).not.toHaveProperty('cost');
});

it('in a pipe: whole and plain', async () => {
  const piped = shell(`${program} list --local | cat`);
  expect([await piped.ended, piped.stderr(), stable(piped.stdout())]).toEqual([
    0,
    '',
    'SECRET    STATE  KIND                 TARGET  OWNER        DUE\nkv1/st-a  ok     storage-account-key  acct1   team-orders  0000-00-00\n',
  ]);
});

it('with its exit code, and quietly where the reader leaves', async () => {
  const refused = shell(`${program} show kv1/none --local`);
  expect([await refused.ended, refused.stdout()]).toEqual([4, '']);
  const left = shell(`${program} list --local -o json | head -1`);
  expect([await left.ended, left.stdout(), left.stderr()]).toEqual([0, '{\n', '']);
});
