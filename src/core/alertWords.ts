/** What every alert says beside its facts: cause, remedy, who acts, and where to read on. Nobody who raises one can forget it. */
import { consentLine, type Part } from './grants.ts';
import type { Log, LogFields } from './log.ts';
import { isReason, type Reason, type Remedy, reasonRow } from './reasons.ts';

/** What is known of the thing that a remedy is about. */
export interface Known {
  readonly vault?: string | undefined;
  readonly secret?: string | undefined;
  /** Rotator type. */
  readonly kind?: string | undefined;
  /** The part of the target that the tags ask for. */
  readonly part?: Part | undefined;
  /** Azure actions that the kind needs, of both planes. */
  readonly actions?: readonly string[] | undefined;
}

/** What a kind knows better than the table of reasons. */
export type Remedies = { readonly [reason in Reason]?: Partial<Remedy> };

/** Who acts and what helps: by the kind where it knows better, else by the table, with its placeholders filled as far as they are known. */
export function remedyOf(reason: Reason, known: Known, own: Remedies = {}): Remedy {
  const row = reasonRow(reason);
  const { by, remedy } = { by: row.by, remedy: row.remedy, ...row.alert, ...own[reason] };
  return { by, remedy: filled(remedy, known) };
}

/** The text with each `<word>` replaced by what is known of it; what is not known is said in words. */
export function filled(text: string, { vault, secret, kind, part, actions = [] }: Known): string {
  const words: Readonly<Record<string, string>> = {
    vault: vault ?? UNKNOWN.vault,
    secret: secret ?? UNKNOWN.secret,
    kind: kind ?? UNKNOWN.kind,
    actions: actions.length > 0 ? actions.join(', ') : UNKNOWN.actions,
    consent:
      vault && secret && kind
        ? consentLine({ secret: { vault, name: secret }, kind, part })
        : UNKNOWN.consent,
  };
  return text.replaceAll(
    /<(vault|secret|kind|consent|actions)>/g,
    (_, word: string) => words[word] ?? '',
  );
}

const UNKNOWN = {
  vault: 'the name of the vault',
  secret: 'the name of the secret',
  kind: 'the rotator',
  consent: 'keyturn …: …/…',
  actions: 'docs/permissions.md lists them',
} as const;

/** Where a reason is explained, served by this very app. Relative where nobody has said how the app is reached. */
export const reasonLink = (reason: Reason, publicUrl = ''): string =>
  `${publicUrl}/api/reasons/${reason}`;

/**
 * The log of an app: completes each record `alert` with what the table of reasons says of it, unless whoever raised it knew
 * better. An instance that only observes raises none, whoever tries: it tells what it would (`would alert`).
 */
export function withAlertWords(
  log: Log,
  { publicUrl, observes }: { readonly publicUrl?: string | undefined; readonly observes: boolean },
): Log {
  return (level, message, fields = {}) => {
    if (message !== 'alert' && message !== WOULD_ALERT) return log(level, message, fields);
    const { reason } = fields;
    const words =
      typeof reason === 'string' && isReason(reason) ? wordsOf(reason, fields, publicUrl) : {};
    const all = { ...fields, ...words };
    return observes ? log('info', WOULD_ALERT, all) : log(level, message, all);
  };
}

/** What an instance that only observes says in the place of `alert`: listed, and nobody is called. */
export const WOULD_ALERT = 'would alert';

function wordsOf(
  reason: Reason,
  { vault, name, kind, cause, by, remedy }: LogFields,
  publicUrl: string | undefined,
): LogFields {
  const text = (field: LogFields[string]) => (typeof field === 'string' ? field : undefined);
  const words = remedyOf(reason, { vault: text(vault), secret: text(name), kind: text(kind) });
  return {
    cause: cause ?? reasonRow(reason).cause,
    by: by ?? words.by,
    remedy: remedy ?? words.remedy,
    link: reasonLink(reason, publicUrl),
  };
}
