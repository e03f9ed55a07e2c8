/** The page for 3 a.m.: every command of it, as it is printed, against a tenant in which that has happened. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { root } from '../docs/processes.ts';
import { commandsOf } from '../docs/shell.ts';
import { Cli } from './cli.ts';

const page = readFileSync(join(root, 'docs/incident.md'), 'utf8');
const commandsIn = (heading: string): string[][] => {
  const section = page.split(/^## /m).find((each) => each.startsWith(heading)) ?? '';
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, text = '']) =>
    commandsOf(text),
  );
};
const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);

let tenant: Tenant;
let cli: Cli;
beforeAll(async () => {
  tenant = await startTenant({ vaults: ['kv-shop'], accounts: [{ name: 'storders' }] });
  cli = new Cli(tenant);
  await cli.start();
});
beforeEach(async () => {
  await tenant.clear();
  tenant.seed('orders-storage', { vault: 'kv-shop', account: 'storders' }).created -= 3 * 86_400;
  await tenant.sweepAndSettle();
  await cli.signIn();
});
afterAll(async () => {
  await cli.stop();
  await tenant.stop();
});

async function pasted(heading: string): Promise<readonly string[]> {
  const outputs: string[] = [];
  for (const [program, ...words] of commandsIn(heading)) {
    expect(program).toBe('keyturn');
    const { exit, out, err } = await cli.runWords([...words, '--local']);
    expect([words.join(' '), exit, err.match(/^error:.*$/m)?.[0]]).toEqual([
      words.join(' '),
      0,
      undefined,
    ]);
    outputs.push(out);
  }
  expect(outputs.length).toBeGreaterThan(0);
  return outputs;
}

it('has a test for each of its sections', () => {
  expect(headings).toEqual([
    'A credential leaked',
    'A rotation broke something',
    'Everything has to stand still',
    'What goes on?',
  ]);
});

it('a leak: the old key is refused by the target when the line ends', async () => {
  const [leaked = ''] = await pasted('A credential leaked');
  expect(leaked).toMatch(/^refused on +\d{4}-/m);
  expect(tenant.stateOf(tenant.current('orders-storage', 'kv-shop')).cred).toBe('key2');
  expect(tenant.regenerations('storders')).toBe(2);
});

it('an undo: the former key is current again, and nothing was taken away', async () => {
  await tenant.rotate('orders-storage', {}, { vault: 'kv-shop' });
  await tenant.settle();
  await tenant.advance({ hours: 1 });
  await pasted('A rotation broke something');
  expect(tenant.stateOf(tenant.current('orders-storage', 'kv-shop')).cred).toBe('key1');
  expect(tenant.regenerations('storders')).toBe(1);
});

it('a freeze: stands, and says so', async () => {
  const [set = '', standing = ''] = await pasted('Everything has to stand still');
  expect(set).toMatch(/^held +1 secrets: everything$/m);
  expect(standing).toMatch(/^everything .*INC-4713/m);
  expect((await cli.runWords(['rotate', 'kv-shop/orders-storage', '--local'])).exit).toBe(3);
});

it('what goes on: four questions that change nothing', async () => {
  tenant.azure.calls.length = 0;
  await pasted('What goes on?');
  expect(tenant.azure.writes()).toEqual([]);
});
