/** Writes `docs/settings.md` and `docs/reasons.md` from the code; `test/tidy.test.ts` compares them. Run: node scripts/docs.ts */
import { writeFileSync } from 'node:fs';
import { CustomCloud } from '../src/azure/cloud.ts';
import { isReason, reasonRow, reasons } from '../src/core/reasons.ts';
import { aboutOf, settingsSchema } from '../src/core/settingsSchema.ts';

const made = '<!-- Made by `node scripts/docs.ts`; edit the code instead. -->';

export function settingsPage(): string {
  const sections = Object.entries(settingsSchema(CustomCloud).shape).map(([name, schema]) => {
    const { about, shape, fallback } = aboutOf(schema);
    const required = !schema.safeParse(undefined).success;
    const otherwise = required
      ? 'Must be set.'
      : fallback === undefined
        ? 'May be left out.'
        : `Default: ${fallback === '' ? 'empty' : `\`${fallback}\``}.`;
    return `## ${name}\n\n${about}\n\nValue: ${shape}. ${otherwise}\n`;
  });
  return `${made}

# Settings

App settings of the function app. Keyturn reads them when the first message or request comes, reports everything that is
wrong with them at once, and does nothing until it is mended. A name with the prefix \`KEYTURN_\` that is not listed here is
an error, too, so that a misspelt setting is not silently ignored.

${sections.join('\n')}
## AzureWebJobsStorage

The storage account that the app runs on: \`AzureWebJobsStorage__accountName\` with the account's name, used with the managed
identity; locally \`AzureWebJobsStorage\` with a connection string. Keyturn keeps its queue, table and audit records there, and
never rotates the keys of this account, of the content share (\`WEBSITE_CONTENTAZUREFILECONNECTIONSTRING\`) or of the deployment
container (\`DEPLOYMENT_STORAGE…\`).
`;
}

export function reasonsPage(): string {
  const sections = Object.keys(reasons)
    .filter(isReason)
    .map((reason) => {
      const { cause, remedy, by, overridable } = reasonRow(reason);
      const who =
        by === 'nobody' ? 'Nobody has to act.' : `The ${by === 'network' ? 'owner of the network' : by} acts.`;
      const may = overridable
        ? ` A person with \`Keyturn.Revoke\` may override it: \`"override": ["${reason}"]\`.`
        : '';
      return `## ${reason}\n\n${cause}\n\nRemedy: ${remedy} ${who}${may}\n`;
    });
  return `${made}

# Reasons

Every step, refusal and alert of Keyturn carries one of these codes. Problem details over HTTP link here.

${sections.join('\n')}`;
}

export const pages: Readonly<Record<string, () => string>> = {
  'docs/settings.md': settingsPage,
  'docs/reasons.md': reasonsPage,
};

if (process.argv[1] === import.meta.filename) {
  for (const [path, page] of Object.entries(pages)) writeFileSync(new URL(`../${path}`, import.meta.url), page());
}
