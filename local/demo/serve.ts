/** What the demonstration prints once it stays up: commands to paste, and what the product then does. */
import type { Azure } from '../azure/azure.ts';
import type { Host } from '../host/host.ts';
import type { ProductRecord, Records } from './records.ts';
import type { Teller } from './teller.ts';
import { manual } from './tenant.ts';

interface Stage {
  readonly azure: Azure;
  readonly host: Host;
  readonly records: Records;
  readonly teller: Teller;
}

/** Prints a request for a rotation that works when pasted, and from then on tells what the product does. */
export async function invite({ azure, host, records, teller }: Stage): Promise<void> {
  // A person of this tenant with the role that asks for rotations; the token ends after an hour of the movable clock.
  const token = await azure.issueToken({ roles: ['Keyturn.Read', 'Keyturn.Rotate'] });
  const bearer = `-H 'Authorization: Bearer ${token}'`;
  const path = `/api/vaults/${manual.vault}/secrets/${manual.secret}/rotate`;
  teller.plain();
  teller.plain(`Serving /api and the Event Grid webhook on ${host.url}. Ctrl-C ends it.`);
  teller.plain(
    `To rotate ${manual.vault}/${manual.secret} by hand, paste this into another terminal (valid for an hour):`,
  );
  teller.plain();
  teller.plain(`curl -sS -i -X POST ${bearer} ${host.url}${path}`);
  teller.plain();
  teller.plain('It answers 202 with an Operation-Location. The state of the operation, once its id is known:');
  teller.plain();
  teller.plain(`curl -sS ${bearer} ${host.url}/api/operations/ID`);
  teller.plain();
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
  if (record.step === 'request') return `${title}: request accepted as operation ${text(record.operation)}; its state:`;
  return `${title}: ${text(record.step)} (${text(record.reason)}), ${text(record.outcome)}`;
}

const text = (field: unknown): string => (typeof field === 'string' ? field : '-');
