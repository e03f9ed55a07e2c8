/**
 * `KEYTURN_NOTIFY`: who is told what. Sinks and the routes to them, from settings alone. Addresses of webhooks are credentials: the
 * setting names the app settings that hold them (Key Vault references), and never the addresses themselves.
 */
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { NOTICE_TYPES, SEVERITIES } from './noticeTypes.ts';
import { quote } from './quote.ts';
import { Secret } from './secret.ts';

/** App settings that sinks may name. */
export const SINK_SETTING = /^KEYTURN_NOTIFY_[A-Z0-9_]{1,60}$/;

const reference = z
  .string()
  .regex(/^\$KEYTURN_NOTIFY_[A-Z0-9_]{1,60}$/, {
    error: 'an address or key is named as `$KEYTURN_NOTIFY_…`, the app setting that holds it',
  })
  .transform((name) => name.slice(1));
const endpoint = z.url({ protocol: /^https$/ }).max(300);
/** `10.1.2.0/24`, `10.1.2.3`, `fd00::/8`: private addresses that this sink may be at. */
const range = z.string().refine(
  (text) => {
    const [address = '', prefix] = text.split('/');
    const bits = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
    return (
      bits > 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
    );
  },
  { error: 'expected addresses or ranges as `10.1.2.0/24`' },
);
const common = {
  allow: z.array(range).max(20).optional(),
  severity: z.enum(SEVERITIES).optional(),
};

const Sink = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('eventgrid'), endpoint, severity: common.severity }),
  z.strictObject({ kind: z.literal('teams'), url: reference, ...common }),
  z.strictObject({ kind: z.literal('slack'), url: reference, ...common }),
  z.strictObject({
    kind: z.literal('webhook'),
    url: reference,
    keys: z.array(reference).min(1).max(2),
    ...common,
  }),
]);

const sinkName = z.string().regex(/^[a-z0-9-]{1,40}$/);
/** `*` stands for any end of a name. */
const pattern = z.string().regex(/^[^*\p{C}]{0,256}\*?$/u);
const Route = z.strictObject({
  to: z.array(sinkName).max(20),
  owner: z.array(pattern).min(1).max(50).optional(),
  vault: z.array(pattern).min(1).max(50).optional(),
  type: z.array(z.enum(NOTICE_TYPES)).min(1).optional(),
  severity: z.enum(SEVERITIES).optional(),
});

/** The JSON of the setting. */
export const Notify = z
  .strictObject({
    sinks: z.record(sinkName, Sink),
    routes: z.array(Route).max(100).prefault([]),
    default: z.array(sinkName).max(20).prefault([]),
  })
  .superRefine(({ sinks, routes, default: rest }, context) => {
    const named = new Set([...rest, ...routes.flatMap(({ to }) => to)]);
    for (const name of named)
      if (!Object.hasOwn(sinks, name))
        context.addIssue({
          code: 'custom',
          message: `a route leads to ${quote(name)}, which is no sink`,
        });
    for (const name of Object.keys(sinks))
      if (!named.has(name))
        context.addIssue({ code: 'custom', message: `no route leads to the sink ${quote(name)}` });
  });
type Notify = z.infer<typeof Notify>;
type SinkSetting = z.infer<typeof Sink>;

export type NotifyRoute = z.infer<typeof Route>;
/** A sink with what its settings hold. A reference that the platform has not resolved leaves it out (`unresolved`). */
export type NotifySink = {
  readonly name: string;
  readonly severity?: (typeof SEVERITIES)[number] | undefined;
} & (
  | { readonly kind: 'eventgrid'; readonly endpoint: string }
  | { readonly kind: 'teams' | 'slack'; readonly url: Secret; readonly allow: readonly string[] }
  | {
      readonly kind: 'webhook';
      readonly url: Secret;
      readonly keys: readonly Secret[];
      readonly allow: readonly string[];
    }
  | { readonly kind: 'unresolved'; readonly setting: string }
);
export interface NotifySettings {
  readonly sinks: readonly NotifySink[];
  readonly routes: readonly NotifyRoute[];
  /** For what no route takes. */
  readonly default: readonly string[];
}

/** The app settings that the sinks name. */
export const settingsNamed = ({ sinks }: Notify): readonly string[] =>
  Object.values(sinks).flatMap((sink) => [
    ...('url' in sink ? [sink.url] : []),
    ...('keys' in sink ? sink.keys : []),
  ]);

/** What is wrong with the settings that the sinks name, by name and without a value; nothing where all is well. */
export function sinkProblems(
  notify: Notify,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const used = settingsNamed(notify);
  const unused = Object.keys(env).filter(
    (name) => SINK_SETTING.test(name) && env[name] && !used.includes(name),
  );
  const wrong = Object.values(notify.sinks).flatMap((sink) => [
    ...('url' in sink ? [wrongUrl(sink.url, sink, env[sink.url])] : []),
    ...('keys' in sink ? sink.keys.map((name) => wrongKey(name, env[name])) : []),
  ]);
  return [
    ...wrong.filter((each) => each !== undefined),
    ...unused.map(
      (name) =>
        `${name} is set, but no sink of KEYTURN_NOTIFY names it: name it there, or remove it.`,
    ),
  ];
}

/** The platform leaves the reference itself in the place of what it could not read (facts: app-service-key-vault-references). */
const isUnresolved = (value: string): boolean => value.startsWith('@Microsoft.KeyVault(');

function wrongUrl(
  name: string,
  { kind }: SinkSetting,
  value: string | undefined,
): string | undefined {
  if (!value)
    return `${name} is not set; expected the address of a sink, as a Key Vault reference.`;
  if (isUnresolved(value)) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'https:' || url.username !== '' || url.hash !== '')
    return `${name} holds no address of a sink; expected https://…, without a user or a fragment.`;
  if (
    kind === 'teams' &&
    /(^|\.)webhook\.office\.com$|(^|\.)outlook\.office\.com$/.test(url.hostname)
  )
    return `${name} is the address of an Office 365 connector, which Microsoft has ended; make a Workflows webhook ("When a Teams webhook request is received") and store its address.`;
  if (kind === 'teams' && /(^|\.)logic\.azure\.com$/.test(url.hostname))
    return `${name} is an address of logic.azure.com, which has ended for Workflows; copy the new address from the flow.`;
  return undefined;
}

function wrongKey(name: string, value: string | undefined): string | undefined {
  if (!value)
    return `${name} is not set; expected a signing key as \`whsec_…\`, as a Key Vault reference.`;
  if (isUnresolved(value)) return undefined;
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value)?.[1] ?? '';
  const bytes = Buffer.from(base64, 'base64');
  // The library takes a key of one byte, too (measured).
  const fits = bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === base64;
  return fits
    ? undefined
    : `${name} holds no signing key; expected \`whsec_\` and 24 to 64 bytes in base64.`;
}

/** The setting with what the named settings hold, which `sinkProblems` has found to be right. */
export function notifyIn(
  notify: Notify,
  env: Readonly<Record<string, string | undefined>>,
): NotifySettings {
  const value = (name: string) => new Secret(env[name] ?? '');
  const sinks = Object.entries(notify.sinks).map(([name, sink]): NotifySink => {
    const { severity } = sink;
    const missing = settingsNamed({ ...notify, sinks: { [name]: sink } }).find((each) =>
      isUnresolved(env[each] ?? ''),
    );
    if (missing !== undefined) return { name, severity, kind: 'unresolved', setting: missing };
    if (sink.kind === 'eventgrid') return { name, ...sink };
    const at = { name, severity, url: value(sink.url), allow: sink.allow ?? [] };
    return sink.kind === 'webhook'
      ? { ...at, kind: 'webhook', keys: sink.keys.map(value) }
      : { ...at, kind: sink.kind };
  });
  return { sinks, routes: notify.routes, default: notify.default };
}

/** Addresses of no public host: private, link-local, of this machine, of metadata services, and what leads to them. */
const INNER: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const listOf = (ranges: readonly (readonly [string, number])[]): BlockList => {
  const list = new BlockList();
  for (const [address, prefix] of ranges)
    list.addSubnet(address, prefix, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return list;
};
const inner = listOf(INNER);

/** Whether a sink may be at this address: a public one, or one that its setting names. */
export function mayBeAt(address: string, allow: readonly string[]): boolean {
  const plain = unmapped(address);
  const family = isIP(plain) === 6 ? 'ipv6' : isIP(plain) === 4 ? 'ipv4' : undefined;
  if (family === undefined) return false;
  const named = listOf(
    allow.map((range) => {
      const [base = '', prefix] = range.split('/');
      return [base, prefix === undefined ? (isIP(base) === 6 ? 128 : 32) : Number(prefix)] as const;
    }),
  );
  return named.check(plain, family) || !inner.check(plain, family);
}

/** `::ffff:7f00:1` and `::ffff:127.0.0.1` are 127.0.0.1. */
function unmapped(address: string): string {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (isIP(bare) !== 6) return bare;
  const [, high, low] =
    /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(new URL(`http://[${bare}]/`).hostname) ??
    [];
  if (high === undefined || low === undefined) return bare;
  const [one, other] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [one >> 8, one & 255, other >> 8, other & 255].join('.');
}
