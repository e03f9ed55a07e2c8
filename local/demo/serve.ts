/** What the demonstration prints once it stays up: commands to paste, and what the product then does. */
import type { Host } from '../host/host.ts';
import type { ProductRecord, Records } from './records.ts';
import type { Teller } from './teller.ts';
import { manual } from './tenant.ts';
import type { Token } from './token.ts';

interface Stage {
  readonly host: Host;
  readonly records: Records;
  readonly teller: Teller;
  readonly token: Token;
  readonly clockUrl: string;
}

/** Long enough for the 48 h of grace, and for the sweep after them. */
const PAST_THE_GRACE_HOURS = 60;

/** Prints what one can try when pasted into another terminal, and from then on tells what the product does. */
export function invite({ host, records, teller, token, clockUrl }: Stage): void {
  const plain = (line?: string) => teller.plain(line);
  const bearer = `-H "Authorization: Bearer $(cat ${token.path})"`;
  const secret = `${host.url}/api/vaults/${manual.vault}/secrets/${manual.secret}`;
  const shown = (what: string, command: string) => plain(`${what}\n\n${command}\n`);
  plain();
  plain(`Serving /api and the Event Grid webhook on ${host.url}. Ctrl-C ends it.`);
  shown(
    `To rotate ${manual.vault}/${manual.secret} by hand, paste this into another terminal:`,
    `curl -sS -i -X POST ${bearer} ${secret}/rotate`,
  );
  plain('The command line finds it, too: npm run keyturn -- list --local');
  plain('What follows is told here. Then try:');
  plain();
  shown(
    '1. What is known of it: state, versions, what is owed and until when',
    `curl -sS ${bearer} ${secret}`,
  );
  shown(
    '2. Two days and more go by, and the old key is revoked',
    `curl -sS -X POST ${bearer} '${clockUrl}?hours=${PAST_THE_GRACE_HOURS}'`,
  );
  shown(
    '3. Instead, after another rotation: the old key is revoked now, without the grace',
    `curl -sS -i -X POST ${bearer} -H 'Content-Type: application/json' -d '{"at":"now","note":"leaked"}' ${secret}/revoke`,
  );
  records.onRecord = (record) => {
    const line = lineOf(record);
    if (line === undefined) return;
    teller.say(line);
    if (record.message === 'audit' && record.step === 'request')
      teller.plain(`\ncurl -sS ${bearer} ${host.url}/api/operations/${text(record.operation)}\n`);
  };
}

/** Names, kinds and reasons of a record that a person may want to see; the rest stays in the log. */
function lineOf(record: ProductRecord): string | undefined {
  const title = `${text(record.vault)}/${text(record.name)}`;
  if (record.message === 'alert') return `${title}: alert, ${text(record.reason)}`;
  if (record.message !== 'audit') return undefined;
  if (record.step === 'request')
    return `${title}: request accepted as operation ${text(record.operation)}; its state:`;
  return `${title}: ${text(record.step)} (${text(record.reason)}), ${text(record.outcome)}`;
}

const text = (field: unknown): string => (typeof field === 'string' ? field : '-');
