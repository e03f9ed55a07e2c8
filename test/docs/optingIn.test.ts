/** README and docs/opting-in.md: the commands of both owners do what they say, with the product's own parsers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { clouds } from '../../src/azure/cloud.ts';
import { systemClock } from '../../src/core/clock.ts';
import { grantFor, parseGrants } from '../../src/core/grants.ts';
import { tagOf } from '../../src/core/ids.ts';
import { allRotators, registry } from '../../src/rotators/registry.ts';
import { readExemption } from '../../src/tags/exempt.ts';
import { isOptedIn, readOptIn } from '../../src/tags/optIn.ts';
import { mergePolicy } from '../../src/tags/policy.ts';
import { root } from './processes.ts';
import { commandsOf, optionsOf } from './shell.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const nobody = { getToken: () => Promise.reject(new Error('Documentation asks for no token.')) };
const known = registry(
  allRotators({ cloud: clouds.AzureCloud, credential: nobody, clock: systemClock, tenantId: '' }),
);

describe.each(['README.md', 'docs/opting-in.md'])('az commands of %s', (file) => {
  const page = read(file);
  const whole = file !== 'README.md';
  const commands = [...page.matchAll(/^```sh\n(.*?)^```$/gms)]
    .flatMap(([, text = '']) => commandsOf(text))
    // Those of the deployment are checked with the pages for operators.
    .filter((words) => !(words[0] === 'az' && words[1] === 'group'));
  const commandsWith = (name: string) => commands.filter(([first]) => first === name);
  const az = (...path: string[]) => {
    const found = commandsWith('az').filter((words) =>
      path.every((word, at) => words[at + 1] === word),
    );
    return found.map((words) => optionsOf(words.slice(path.length + 1)).options);
  };
  const optIns = az('keyvault', 'secret', 'set-attributes');
  const grants = commandsWith('infra/scripts/consent.sh').map(
    (words) => optionsOf(words.slice(1)).options,
  );
  const pairsOf = (options: Map<string, string[]>, name: string) =>
    Object.fromEntries((options.get(name) ?? []).map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
  const tagsOf = (options: Map<string, string[]>) => pairsOf(options, '--tags');

  it('are those that are checked here', () => {
    expect(optIns.length).toBe(commandsWith('az').length);
    // az keyvault secret set-attributes --help
    for (const options of optIns)
      expect([...options.keys()]).toEqual(['--vault-name', '--name', '--tags']);
    const taken = ['--principal-id', '--kind', '--add', '--target'];
    for (const options of grants) expect([...options.keys()]).toEqual(taken);
  });

  const given = optIns.map(tagsOf);
  const optingIn = given.filter(isOptedIn);

  it('say why a secret is not rotated, and until when', () => {
    const exempt = given.filter((tags) => !isOptedIn(tags)).map(readExemption);
    const partner = {
      reason: 'the partner sets it',
      until: new Date('2027-07-01'),
      ticket: 'CHG-4711',
    };
    expect(exempt).toEqual(whole ? [partner] : []);
  });

  it('set tags that opt in, bind a target and make a policy', () => {
    expect(optingIn.length).toBeGreaterThan(0);
    for (const tags of optingIn) {
      expect(readOptIn(tags, { vault: 'kv1', name: 'st-a' }, known, known.types).target.id).toBe(
        tags['rotator-target']?.toLowerCase(),
      );
      const policy = mergePolicy([{ where: file, text: tagOf(tags, 'rotator-policy') }]);
      expect(policy).toMatchObject({ everyHours: 1440, graceHours: 48, window: expect.anything() });
    }
  });

  it('grant the target of the secret shown to just this secret, by the script that keeps what others were given', () => {
    const [shown = new Map<string, string[]>()] = optIns;
    const tags = tagsOf(shown);
    expect(grants.length).toBeGreaterThan(0);
    for (const options of grants) {
      const [[kind = ''] = [], [target] = [], [entry = ''] = []] = [
        '--kind',
        '--target',
        '--add',
      ].map((name) => options.get(name));
      expect({ kind, target }).toEqual({ kind: tags.rotator, target: tags['rotator-target'] });
      // As the script joins them.
      const description = `keyturn ${kind}: ${entry}`;
      const granted = parseGrants(description);
      expect(granted).toHaveLength(1);
      const secret = {
        vault: shown.get('--vault-name')?.[0] ?? '',
        name: shown.get('--name')?.[0] ?? '',
      };
      expect(grantFor(granted, { secret, kind })).toBeDefined();
      expect(page).toContain(`\`${description}\``);
    }
  });

  it('and consents in the text parse to as many grants as they name', () => {
    const consents = [...page.matchAll(/`(keyturn [a-z-]+: [^`]+)`/g)].map(([, text = '']) => text);
    expect(consents.map((text) => parseGrants(text).length)).toEqual(
      consents.map((text) => text.split(/[,;] /).length),
    );
    expect(consents.length).toBeGreaterThan(0);
  });
});
