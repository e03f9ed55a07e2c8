/**
 * The tag `rotator-state`: what Keyturn writes on a version. Grammar (design section 2):
 *
 *     state = "v=1" *( ";" key "=" percent-encoded )
 *     keys, in this order: v tgt cred rot after proved started revoked hold since
 *
 * Times are UTC to the minute. Unknown keys of the same `v` are kept; a higher `v` is refused before anything is
 * written. A state may be lost, copied or forged by others: what it says counts only as far as the value agrees.
 */
import { KeyturnError } from '../core/errors.ts';
import type { Handle, RotationId, Tags } from '../core/ids.ts';
import { tagOf, withTag } from '../core/ids.ts';

export const STATE_TAG = 'rotator-state';
/** Key Vault took 256 characters for years and 512 of late: Keyturn writes what both take (azure-facts 2.3). */
export const TAG_VALUE_MAX = 256;

export interface RotatorState {
  /** 8 hex digits over rotator type and target id. */
  readonly tgt?: string;
  /** The handle of the credential that stands in the version. */
  readonly cred?: Handle;
  /** The rotation that wrote the version. */
  readonly rot?: RotationId;
  /** When what older versions owe may be revoked. */
  readonly after?: Date;
  /** First 8 hex digits of the version on which the proof was made. */
  readonly proved?: string;
  /** The rotation that has begun to replace this version. */
  readonly started?: RotationId;
  /** The credential of this version was revoked. */
  readonly revoked?: true;
  /** A person's hold: leave the secret as it is until then. */
  readonly hold?: Date;
  /** Of a version that an undo wrote: since when its credential has been in use. A young version of an old credential. */
  readonly since?: Date;
  /** Keys that this release does not know, kept as they came. */
  readonly rest?: readonly (readonly [string, string])[];
}

const HEX8 = /^[0-9a-f]{8}$/;
const HEX16 = /^[0-9a-f]{16}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/;
const KEY = /^[a-z][a-z0-9-]{0,15}$/;
const HANDLE = /^[\w.:-]{1,64}$/;
const KNOWN = ['v', 'tgt', 'cred', 'rot', 'after', 'proved', 'started', 'revoked', 'hold', 'since'];

/**
 * The state among the tags; undefined where there is none or it does not parse (it then counts as none: design
 * section 2). Throws `state-newer` for a higher `v`.
 */
export function readState(tags: Tags): RotatorState | undefined {
  const text = tagOf(tags, STATE_TAG);
  return text === undefined ? undefined : parseState(text);
}

/** What texts said that were read lately: a pass asks the same few again and again, a sweep those of a whole vault. */
const read = new Map<string, RotatorState | undefined>();
const READ_MAX = 500;

/** As `readState`, of the text of the tag. */
export function parseState(text: string): RotatorState | undefined {
  if (read.has(text)) return read.get(text);
  const state = parse(text);
  if (text.length > TAG_VALUE_MAX) return state;
  if (read.size >= READ_MAX) read.clear();
  read.set(text, state);
  return state;
}

function parse(text: string): RotatorState | undefined {
  const pairs = pairsOf(text);
  const version = pairs?.get('v');
  if (!pairs || version === undefined || !/^[1-9]\d{0,5}$/.test(version)) return undefined;
  if (version !== '1') {
    throw new KeyturnError('state-newer', {
      detail: `The tag ${STATE_TAG} has v=${version}; this release writes v=1.`,
    });
  }
  const known = {
    tgt: field(pairs, 'tgt', HEX8),
    cred: field(pairs, 'cred', HANDLE),
    rot: field(pairs, 'rot', HEX16),
    after: time(pairs, 'after'),
    proved: field(pairs, 'proved', HEX8),
    started: field(pairs, 'started', HEX16),
    revoked: field(pairs, 'revoked', /^1$/) === undefined ? undefined : (true as const),
    hold: time(pairs, 'hold'),
    since: time(pairs, 'since'),
  };
  // One key that does not parse spoils the whole: half a state would be a guess.
  const spoilt = Object.entries(known).some(
    ([key, value]) => pairs.has(key) && value === undefined,
  );
  if (spoilt) return undefined;
  const rest = [...pairs].filter(([key]) => !KNOWN.includes(key));
  return without({ ...known, rest: rest.length > 0 ? rest : undefined });
}

/** The text of the tag. Throws `too-large` where it would not fit. */
export function formatState(state: RotatorState): string {
  const pairs: [string, string | undefined][] = [
    ['v', '1'],
    ['tgt', state.tgt],
    ['cred', state.cred],
    ['rot', state.rot],
    ['after', state.after && minute(state.after)],
    ['proved', state.proved],
    ['started', state.started],
    ['revoked', state.revoked && '1'],
    ['hold', state.hold && minute(state.hold)],
    ['since', state.since && minute(state.since)],
    ...(state.rest ?? []).map(([key, value]): [string, string] => [key, value]),
  ];
  const text = pairs
    .flatMap(([key, value]) => (value === undefined ? [] : `${key}=${encode(value)}`))
    .join(';');
  if (text.length > TAG_VALUE_MAX) {
    throw new KeyturnError('too-large', {
      detail: `The tag ${STATE_TAG} would have ${text.length} characters of ${TAG_VALUE_MAX}.`,
    });
  }
  return text;
}

/** The owner's tags as they are, with this state in place of any other; a state that says nothing has no tag. */
export const withState = (tags: Tags, state: RotatorState): Tags =>
  withTag(tags, STATE_TAG, Object.keys(state).length === 0 ? undefined : formatState(state));

/** `state` with some keys set, or struck off by undefined. */
export function change(
  state: RotatorState,
  changes: { [K in keyof RotatorState]?: RotatorState[K] | undefined },
): RotatorState {
  return without({ ...state, ...changes });
}

function without(state: { [K in keyof RotatorState]?: RotatorState[K] | undefined }): RotatorState {
  return Object.fromEntries(
    Object.entries(state).filter(([, value]) => value !== undefined),
  ) as RotatorState;
}

function pairsOf(text: string): Map<string, string> | undefined {
  // A lone surrogate could be read, but never be written again.
  if (!text.isWellFormed()) return undefined;
  const pairs = new Map<string, string>();
  for (const part of text.split(';')) {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(at, 0));
    if (!KEY.test(key) || pairs.has(key)) return undefined;
    try {
      pairs.set(key, decodeURIComponent(part.slice(at + 1)));
    } catch (error) {
      if (error instanceof URIError) return undefined;
      throw error;
    }
  }
  return pairs;
}

function field(pairs: Map<string, string>, key: string, pattern: RegExp): string | undefined {
  const value = pairs.get(key);
  return value !== undefined && pattern.test(value) ? value : undefined;
}

function time(pairs: Map<string, string>, key: string): Date | undefined {
  const text = field(pairs, key, TIME);
  const on = text === undefined ? undefined : new Date(text);
  return on && !Number.isNaN(on.getTime()) ? on : undefined;
}

/** To the minute, rounded up: a grace may be a minute long, never short. */
export const toTheMinute = (on: Date): Date => new Date(Math.ceil(on.getTime() / 60_000) * 60_000);
const minute = (on: Date): string => `${toTheMinute(on).toISOString().slice(0, 16)}Z`;

/** Percent-encoded; colons stay readable, they mean nothing in this grammar. */
const encode = (value: string): string => encodeURIComponent(value).replaceAll('%3A', ':');
