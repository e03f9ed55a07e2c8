/** The compiler that `npm run infra` finds, with commands that stand in for those of a machine. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { endAll, root, start } from '../docs/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-tools-'));
const bin = join(folder, 'bin');
const command = (name: string, script: string) =>
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
beforeEach(() => {
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin);
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('npm run infra', () => {
  /** What it finds where only `bin` is on the PATH. */
  async function found() {
    symlinkSync(process.execPath, join(bin, 'node'));
    const script = `import { bicepCommand } from '${root}/scripts/infra/bicep.ts';
      console.log(await bicepCommand('${join(folder, 'cache')}').catch(({ message }) => message));`;
    const run = start([join(bin, 'node'), '--input-type=module', '-e', script], {
      PATH: `${bin}:/bin`,
      HOME: folder,
    });
    expect(await run.ended).toBe(0);
    return { said: run.stderr(), answer: run.stdout().trim() };
  }

  it('takes a compiler that is installed, if it is new enough', async () => {
    command('bicep', 'echo "Bicep CLI version 0.100.1 (abc)"');
    expect((await found()).answer).toBe('bicep');
  });

  it('says so when the one that is installed is too old, and when there is no other way to one', async () => {
    command('bicep', 'echo "Bicep CLI version 0.30.23 (abc)"');
    command('dotnet', 'echo "no such SDK"; exit 1');
    const { said, answer } = await found();
    expect(said).toContain('bicep is 0.30.23; 0.49.2 or newer is needed');
    expect(answer).toMatch(
      /^There is no Bicep compiler: neither `bicep` .* nor .*`az bicep install`.* NuGet .*no such SDK$/s,
    );
  });
});
