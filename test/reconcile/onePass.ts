/**
 * Single passes over one vault and targets of two slots, in memory: what a pass says to each port is written down, and a test may act
 * as somebody else right before any of these calls.
 */
import { z } from 'zod';
import { addDays, addHours } from '../../src/core/clock.ts';
import { KeyturnError } from '../../src/core/errors.ts';
import { type Grant, parseGrants } from '../../src/core/grants.ts';
import type { SecretRef } from '../../src/core/ids.ts';
import type { Look } from '../../src/core/look.ts';
import { Secret } from '../../src/core/secret.ts';
import type { AuditRecord } from '../../src/ports/audit.ts';
import type { Config, Deps } from '../../src/ports/deps.ts';
import type { Evidence } from '../../src/ports/evidence.ts';
import type { Notice } from '../../src/ports/notices.ts';
import type { Operation } from '../../src/ports/operations.ts';
import type { Rotator, Target, TargetFacts, Verdict } from '../../src/ports/rotator.ts';
import type { Rows, SecretRow, SharerRow } from '../../src/ports/rows.ts';
import type { Vault, Version } from '../../src/ports/vault.ts';
import { type Outcome, reconcile } from '../../src/reconcile/pass.ts';

export const START = new Date('2027-01-05T10:00:00Z');
type Made = { -readonly [K in keyof Version]: Version[K] };
type Logged = Record<string, unknown> & { message: string };

const TYPE = 'fake-key';
/** In the rows of the secret `st-a` in `kv1`. */
const key = ({ vault, name }: SecretRef): string => `${vault}/${name}`;

export class OnePass {
  now = START;
  /** Of each secret, the oldest first. */
  readonly secrets = new Map<string, Made[]>();
  /** Of each target: the keys by their slots. */
  readonly keys = new Map<string, Map<string, string>>();
  /** What the owner of a target wrote; everyone in kv1 where absent. */
  readonly consents = new Map<string, string>();
  readonly rows = new Map<string, SecretRow>();
  readonly holders = new Map<string, SharerRow>();
  readonly operations = new Map<string, Operation>();
  readonly looks: (Look & { seconds: number })[] = [];
  readonly audit: AuditRecord[] = [];
  /** Who is asked for uses; nobody where absent. */
  evidence: Evidence['lastUse'] | undefined;
  readonly notices: Notice[] = [];
  readonly logged: Logged[] = [];
  /** Every call in order: `vault.store`, `target.issue`, `lock secret/kv1/st-a`. */
  readonly calls: string[] = [];
  readonly locked: string[] = [];
  /** Instead of what the keys say. */
  verdict: ((value: string) => Verdict | undefined) | undefined;
  config: Partial<Config> = {};
  /** So long ago the vault was listed from end to end. */
  sweptHoursAgo = 0;
  vaultTags: Record<string, string> = {};
  state: Partial<TargetFacts> = {};
  /** By the name of a target, which several resources may hold. */
  owners: (target: string) => readonly string[] = (target) => [target];
  /** What the consent has to name of it. */
  part: Target['part'];
  overlap: Rotator['overlap'] = 'two-slots';
  #before: (call: string) => void | Promise<void> = () => {};
  #serial = 0;

  /** A secret of a person that holds key1 of the target, so many days old. */
  secret(
    name = 'st-a',
    given: { target?: string; days?: number; tags?: Record<string, string>; value?: string } = {},
  ) {
    const { target = 'here', days = 61, tags = {} } = given;
    const keys =
      this.keys.get(target) ?? new Map(['key1', 'key2'].map((slot) => [slot, this.#fresh(slot)]));
    this.keys.set(target, keys);
    const createdOn = addDays(this.now, -days);
    const version: Made = {
      ...{ id: this.#id(), enabled: true, createdOn, updatedOn: createdOn, managed: false },
      value: new Secret(given.value ?? (keys.get('key1') as string)),
      tags: { rotator: TYPE, 'rotator-target': target, ...tags },
    };
    this.secrets.set(name, [...(this.secrets.get(name) ?? []), version]);
    return version;
  }

  versions = (name = 'st-a'): Made[] => this.secrets.get(name) ?? [];
  current = (name = 'st-a'): Made => this.versions(name).at(-1) as Made;

  /** Somebody makes a new key in a slot, with another tool. */
  regenerate(slot: string, target = 'here'): void {
    this.keys.get(target)?.set(slot, this.#fresh(slot));
  }

  accepts = (version: Version | undefined, target = 'here'): boolean =>
    version !== undefined &&
    [...(this.keys.get(target)?.values() ?? [])].some((each) =>
      version.value.equals(new Secret(each)),
    );

  /** Whoever acts right before the n-th call of this name from now on. */
  on(call: string, act: () => void, nth = 1): void {
    let left = nth;
    this.#before = (made) => {
      if (made !== call || --left !== 0) return;
      act();
    };
  }

  /** Before every call, whatever it is; what it throws the call ends in. */
  always(act: (call: string) => void): void {
    this.#before = act;
  }

  /** One look. */
  async look(name = 'st-a', look: Partial<Look> = {}): Promise<Outcome> {
    return await reconcile({ vault: 'kv1', name, cause: 'sweep', ...look }, this.deps());
  }

  /** Rotated, and proved a minute later. */
  async rotated(name = 'st-a'): Promise<void> {
    await this.look(name);
    this.now = addHours(this.now, 0.1);
    await this.look(name);
  }

  alerts = (): string[] =>
    this.logged.filter(({ message }) => message === 'alert').map(({ reason }) => String(reason));

  #fresh = (slot: string): string => `${slot}-value-${++this.#serial}-of-the-fake-target`;
  #id = (): string => (++this.#serial).toString(16).padStart(4, '0').repeat(8);

  async #call<T>(call: string, act: () => T): Promise<T> {
    this.calls.push(call);
    await this.#before(call);
    return act();
  }

  #vault(): Vault {
    const found = (name: string, id: string) => this.versions(name).find((each) => each.id === id);
    return {
      name: 'kv1',
      current: (name) =>
        this.#call('vault.current', () => {
          const current = this.versions(name).at(-1);
          if (!current) return 'gone';
          return current.enabled ? { ...current } : 'disabled';
        }),
      version: (name, id) =>
        this.#call('vault.version', () => (found(name, id)?.enabled ? found(name, id) : undefined)),
      versions: (name) =>
        this.#call('vault.versions', () => this.versions(name).map((each) => ({ ...each }))),
      list: () => {
        throw new Error('no sweep here');
      },
      retag: (name, id, tags, enabled) =>
        this.#call('vault.retag', () => {
          const version = found(name, id);
          if (!version) throw new KeyturnError('gone');
          Object.assign(version, {
            tags: { ...tags },
            updatedOn: this.now,
            enabled: enabled ?? version.enabled,
          });
        }),
      store: (name, { value, tags, contentType, expiresOn }) =>
        this.#call('vault.store', () => {
          const id = this.#id();
          this.secrets.set(name, [
            ...this.versions(name),
            {
              ...{
                id,
                enabled: true,
                createdOn: this.now,
                updatedOn: this.now,
                managed: false,
                value,
                expiresOn,
              },
              ...{ tags: { ...tags }, ...(contentType === undefined ? {} : { contentType }) },
            },
          ]);
          return id;
        }),
    };
  }

  #target(id: string): Target {
    const keys = () => this.keys.get(id) ?? new Map<string, string>();
    const slotOf = (value: Secret) =>
      [...keys()].find(([, each]) => value.equals(new Secret(each)))?.[0];
    return {
      id,
      owners: this.owners(id),
      ...(this.part ? { part: this.part } : {}),
      inspect: () =>
        this.#call('target.inspect', () => ({
          handles: ['key1', 'key2'],
          obstacles: [],
          hosts: [],
          ...this.state,
        })),
      adopt: (value) => this.#call('target.adopt', () => slotOf(value)),
      issue: (_, keep) =>
        this.#call('target.issue', () => {
          const handle = ['key1', 'key2'].find((slot) => !keep.includes(slot)) as string;
          keys().set(handle, this.#fresh(handle));
          return { handle, value: new Secret(keys().get(handle) as string) };
        }),
      check: (value) =>
        this.#call('target.check', () => {
          const slot = slotOf(value);
          return this.verdict?.(slot ?? '') ?? (slot === undefined ? 'refused' : 'accepted');
        }),
      revoke: (handle) =>
        this.#call(`target.revoke ${handle}`, () => {
          keys().set(handle, this.#fresh(handle));
          return undefined;
        }),
      read: (handle) => this.#call('target.read', () => new Secret(keys().get(handle) as string)),
    };
  }

  deps(): Deps {
    const rotator: Rotator = {
      ...{
        type: TYPE,
        overlap: this.overlap,
        title: 'a kind of tests',
        rights: { actions: [] },
        options: z.object({}),
        form: { kind: 'bare' },
      },
      bind: ({ target }) => this.#target(target),
    };
    const never = () => Promise.reject(new Error('not asked for here'));
    const grants = (id: string): readonly Grant[] =>
      parseGrants(this.consents.get(id) ?? `keyturn ${TYPE}: kv1/*`);
    const rows: Partial<Rows> = {
      secret: async (ref) => this.rows.get(key(ref)),
      saveSecret: async (row) => void this.rows.set(key(row), row),
      sharers: async (target) => [...this.holders.values()].filter((row) => row.target === target),
      saveSharer: (row) =>
        this.#call(
          'rows.saveSharer',
          () => void this.holders.set(`${row.target} ${key(row)}`, row),
        ),
      dropSharer: async (row) => void this.holders.delete(`${row.target} ${key(row)}`),
      sweptOn: async () => new Map([['kv1', addHours(this.now, -this.sweptHoursAgo)]]),
      rotationsSince: async () => [],
      recordRotation: async () => {},
      failedRotations: async () => [],
      forgetFailed: async () => {},
      saveFailed: async () => {},
      probedOn: async () => undefined,
      operation: async (id) => this.operations.get(id),
      saveOperation: async (row) => void this.operations.set(row.id, row),
    };
    const vault = this.#vault();
    return {
      vaults: { names: ['kv1'], open: (name) => (name === 'kv1' ? vault : undefined) },
      vaultTags: async () => this.vaultTags,
      rotators: { types: [TYPE], get: (type) => (type === TYPE ? rotator : undefined) },
      consent: { of: (id) => this.#call('consent', () => grants(id)) },
      rows: rows as Rows,
      locks: {
        take: (name) =>
          this.#call(`lock ${name}`, () => {
            this.locked.push(name);
            return { renew: async () => {}, release: async () => {} };
          }),
      },
      queue: {
        put: async (look, seconds = 0) => void this.looks.push({ ...look, seconds }),
        offer: never,
      },
      audit: {
        append: async (record) => void this.audit.push(record),
        history: async () => ({ records: [], truncated: false }),
      },
      ...(this.evidence ? { evidence: { lastUse: this.evidence } } : {}),
      notices: { send: async (notice) => void this.notices.push(notice) },
      alerts: { isFirst: async () => true, count: never, counted: never as never, told: never },
      clock: {
        now: () => this.now,
        sleep: async (milliseconds) => {
          this.now = new Date(this.now.getTime() + milliseconds);
        },
      },
      log: (level, message, fields) => void this.logged.push({ level, message, ...fields }),
      config: {
        ...{
          instance: 'keyturn',
          mode: 'run',
          rate: { perVault: 1000, overall: 1000 },
          enabled: [TYPE],
        },
        ...{ policy: '', ownStorage: [], ownApplications: [], ownerTag: 'owner', ...this.config },
      },
    };
  }
}
