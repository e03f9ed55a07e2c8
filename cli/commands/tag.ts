/** `tag` and `exempt`: the owner's tags, checked as a pass would read them, shown as a difference, merged into what is there. */
import { consentFor, EXEMPT_TAG, type KnownKinds, wrongTags } from '../../src/api/tagCheck.ts';
import { type Tags, tagOf } from '../../src/core/ids.ts';
import { type Exit, Failure, usage } from '../failure.ts';
import { type SecretName, secretIn } from '../session/session.ts';
import type { Colour } from '../show/colour.ts';
import { table } from '../show/table.ts';
import { progress } from '../show/tell.ts';
import { type CommandSpec, type OptionSpec, type Run, SECRET_ARG } from '../spec.ts';
import { CONSENT_FORMS, type ConsentForm, consentIn, formIn } from '../tags/consent.ts';
import {
  type Difference,
  difference,
  isSame,
  merged,
  notOurs,
  pairIn,
  type TagChanges,
} from '../tags/edit.ts';
import { readTags, writeTags } from '../tags/vault.ts';

const APPLY: readonly OptionSpec[] = [
  { flags: '--yes', says: 'write without asking; needed where nobody sits at a terminal' },
  { flags: '--dry-run', says: 'show the difference, and write nothing' },
];

export const tag: CommandSpec = {
  name: 'tag',
  summary: "set the owner's tags: checked, shown as a difference, merged into those that are there",
  more: "Signs in at Key Vault as you. Tags that are not named stay as they are. Afterwards it prints the consent that the target's owner has to give.",
  args: [SECRET_ARG],
  options: [
    { flags: '--rotator <kind>', says: 'which rotator; `none` opts out' },
    { flags: '--target <id>', says: 'resource id of the target, or its application id' },
    { flags: '--options <text>', says: "the kind's options, as logins=app_a%2Capp_b" },
    {
      flags: '--policy <text>',
      says: 'as every=60d;grace=48h;window=Sat-Sun 01:00-05:00 Europe/Berlin',
    },
    { flags: '--set <name=value>', says: 'another tag, as owner=team-orders', isList: true },
    { flags: '--remove <name>', says: 'take a tag away', isList: true },
    {
      flags: '--part <names>',
      says: 'what the consent names in parentheses: logins, readonly, a rule',
      isList: true,
    },
    { flags: '--as <form>', says: 'how to print the consent (default az)', choices: CONSENT_FORMS },
    {
      flags: '--principal-id <id>',
      says: "object id of Keyturn's identity (AZURE_IDENTITY_PRINCIPAL_ID)",
    },
    ...APPLY,
  ],
  examples: [
    'keyturn tag kv-shop/orders-storage --rotator storage-account-key --target /subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-shop/providers/Microsoft.Storage/storageAccounts/storders --set owner=team-orders --dry-run',
  ],
  async run(run) {
    const form = formIn(run.asked.text('as'));
    const secret = secretIn(run.asked.args[0] ?? '');
    return await apply(run, secret, changesOf(run.asked), (tags) =>
      consentOf(run, secret, tags, form),
    );
  },
};

function changesOf(asked: Run['asked']): TagChanges {
  const named = {
    rotator: 'rotator',
    'rotator-target': 'target',
    'rotator-options': 'options',
    'rotator-policy': 'policy',
  };
  const own = Object.entries(named).flatMap(([name, option]) => {
    const text = asked.text(option);
    return text === undefined ? [] : [[name, text] as const];
  });
  const removed = asked.list('remove').map((name) => [notOurs(name), undefined] as const);
  const changes = Object.fromEntries([...own, ...asked.list('set').map(pairIn), ...removed]);
  if (Object.keys(changes).length === 0)
    throw usage('No tag is named.', 'Say --rotator and --target, --set or --remove.');
  return changes;
}

export const exempt: CommandSpec = {
  name: 'exempt',
  summary: 'say that a secret is not rotated, why, and until when; nothing is alerted until then',
  args: [SECRET_ARG],
  options: [
    { flags: '--reason <text>', says: 'why nobody can rotate it' },
    { flags: '--until <day>', says: 'the last day, as 2027-06-30, in UTC' },
    { flags: '--ticket <id>', says: 'the ticket that it belongs to' },
    ...APPLY,
  ],
  examples: [
    'keyturn exempt kv-shop/partner-key --reason "the partner sets it" --until 2027-06-30 --ticket CHG-4711 --dry-run',
  ],
  async run(run) {
    const { asked } = run;
    const [reason, until, ticket] = [
      asked.text('reason'),
      asked.text('until'),
      asked.text('ticket'),
    ];
    if (reason === undefined || until === undefined)
      throw usage('An exemption needs --reason and --until.');
    const parts = [
      `reason=${encodeURIComponent(reason)}`,
      `until=${until}`,
      ...(ticket === undefined ? [] : [`ticket=${encodeURIComponent(ticket)}`]),
    ];
    return await apply(run, secretIn(asked.args[0] ?? ''), {
      rotator: 'none',
      [EXEMPT_TAG]: parts.join(';'),
    });
  },
};

/** Reads, checks, shows and, where that is wanted, writes. Throws `usage` for tags that a pass would not take. */
async function apply(
  run: Run,
  secret: SecretName,
  changes: TagChanges,
  consent: (tags: Tags) => readonly string[] = () => [],
): Promise<Exit> {
  const { io, asked, session, print } = run;
  const { tags, version } = await readTags(session, secret);
  const wanted = merged(tags, changes);
  const wrong = wrongTags(wanted, await kindsOf(run));
  if (wrong.length > 0) throw usage(wrong.join(' '), 'docs/opting-in.md says what the tags take.');
  const lines = consent(wanted);
  const show = (applied: boolean) =>
    print({
      body: {
        vault: secret.vault,
        secret: secret.name,
        version,
        applied,
        tags: wanted,
        difference: difference(tags, wanted),
        consent: lines,
      },
      tables: [differences(difference(tags, wanted))],
      said: lines.length === 0 ? [] : ["The target's owner consents with:", '', ...lines],
    });
  if (isSame(tags, wanted) || asked.is('dry-run')) {
    show(false);
    progress(
      io,
      isSame(tags, wanted) ? 'Nothing changes: the tags are as wanted.' : 'Nothing was written.',
    );
    return 'done';
  }
  if (!asked.is('yes')) {
    if (!io.out.isTty)
      throw usage(
        'Nobody is here to say yes.',
        'Say --yes to write, or --dry-run to see the difference.',
      );
    show(false);
    const said = await io.ask(`Write these tags to ${secret.vault}/${secret.name}? [y/N] `);
    if (!/^y(es)?$/i.test(said?.trim() ?? '')) throw new Failure('refused', 'Nothing was written.');
  }
  const after = await writeTags(session, secret, changes);
  if (asked.is('yes')) show(true);
  progress(io, `Written to version ${after.version.slice(0, 8)}.`);
  return 'done';
}

/** Undefined for who may not ask: then the next look judges kind and options. */
async function kindsOf({ session }: Run): Promise<KnownKinds | undefined> {
  try {
    return (await session.api.call<{ kinds: KnownKinds }>('kinds')).body.kinds;
  } catch (error) {
    if (error instanceof Failure && error.told.reason === 'no-role') return undefined;
    throw error;
  }
}

const SIGNS: Readonly<Record<Difference['sign'], Colour | undefined>> = {
  '+': 'green',
  '-': 'red',
  '~': 'yellow',
  ' ': undefined,
};

const differences = (items: readonly Difference[]) =>
  table<Difference>({
    items,
    columns: [
      {
        title: 'change',
        of: ({ sign }) => ({ '+': 'add', '-': 'remove', '~': 'change', ' ': 'keep' })[sign],
        colour: ({ sign }) => SIGNS[sign],
        isWhole: true,
      },
      { title: 'tag', of: ({ tag: name }) => name, isWhole: true },
      { title: 'now', of: ({ from }) => from },
      { title: 'then', of: ({ sign, to }) => (sign === ' ' ? undefined : to) },
    ],
  });

/** None for tags that opt nothing in. */
function consentOf(
  { asked, session }: Run,
  secret: SecretName,
  tags: Tags,
  form: ConsentForm,
): readonly string[] {
  const line = consentFor(secret, tags, asked.list('part'));
  if (line === undefined) return [];
  const principalId =
    asked.text('principal-id') ?? session.where.principalId ?? "<object id of Keyturn's identity>";
  const target = tagOf(tags, 'rotator-target') ?? '';
  const kind = (tagOf(tags, 'rotator') ?? '').trim().toLowerCase();
  return consentIn(form, { line, kind, target, principalId });
}
