/** The command that mends a problem, with the names of this secret in it; where no command does, there are words alone. */
import { commandLine, consentTo, giveTarget, tagApplication } from '../../core/commandLine.ts';
import { tagOf } from '../../core/ids.ts';
import type { Deps } from '../../ports/deps.ts';
import { wantedBy } from '../observe/consented.ts';
import type { Looked, Symptom } from './symptom.ts';

const RESOURCE = /^\/subscriptions\/[^/]+\/resourcegroups\/[^/]+\/providers\//;
const ACCOUNT = /\/providers\/microsoft\.storage\/storageaccounts\/[^/]+$/;

/** Undefined where none is known. What came with the answer goes before. */
export function commandFor(
  found: Symptom,
  { bound, inspected }: Looked,
  { config }: Deps,
): string | undefined {
  if (found.command !== undefined) return found.command;
  const { secret, optIn, policy, current } = bound;
  const [owner = ''] = optIn.target.owners;
  const wanted = wantedBy(bound);
  const identity = config.identity ?? '<object id of the identity>';
  const named = `${secret.vault}/${secret.name}`;
  const own = tagOf(current.tags, 'rotator-policy');
  switch (found.reason) {
    case 'no-consent':
      return RESOURCE.test(owner)
        ? consentTo(owner, wanted, identity)
        : tagApplication(owner, wanted);
    case 'target-forbidden':
      return found.from === 'rights' && RESOURCE.test(owner)
        ? giveTarget(owner, wanted, identity)
        : undefined;
    case 'keys-off':
      return ACCOUNT.test(owner)
        ? commandLine(
            'az',
            'storage',
            'account',
            'update',
            '--ids',
            owner,
            '--allow-shared-key-access',
            'true',
          )
        : undefined;
    case 'short-grace': {
      const hours = inspected?.graceMin?.hours;
      if (hours === undefined || hours >= policy.everyHours) return undefined;
      return tagPolicy(named, own, 'grace', `grace=${hours}h`);
    }
    case 'paused':
      return own !== undefined && /paused\s*=\s*true/i.test(own)
        ? tagPolicy(named, own, 'paused', 'paused=false')
        : undefined;
    case 'expires-first':
      return commandLine('keyturn', 'rotate', named);
    default:
      return undefined;
  }
}

/** The tag with one key set anew, all others as they are: `keyturn tag` merges, where az would replace all tags of the secret. */
function tagPolicy(secret: string, own: string | undefined, key: string, part: string): string {
  const isOther = (text: string) =>
    text.trim() !== '' && text.split('=')[0]?.trim().toLowerCase() !== key;
  const parts = [...(own ?? '').split(';').filter(isOther), part];
  return commandLine('keyturn', 'tag', secret, '--policy', parts.join(';'));
}
