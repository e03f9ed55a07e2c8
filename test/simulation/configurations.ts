/** How an instance is set, and what stands on secrets and vaults: each is laid over a scenario once that is prepared. */

import { KeyturnError } from '../../src/core/errors.ts';
import type { Whose } from './people.ts';
import type { Kind, Sim } from './sim.ts';
import { DAY, MINUTE, type StoredVersion } from './world.ts';

export interface Configuration {
  readonly title: string;
  /** Lays it over a world. */
  lay(sim: Sim, secrets: readonly Whose[]): void;
  /**
   * What becomes of a path under it. 'all': what it would without it. 'no more': nothing new is made, and what is owed goes in its
   * time. 'kept': what is owed stays, too. 'untouched': no write reaches vault or target.
   */
  readonly ends: 'all' | 'no more' | 'kept' | 'untouched';
  /** What is broken stays so. */
  readonly heals?: false;
  fits?(kind: Kind): boolean;
}

const current = (sim: Sim, { vault, name }: Whose): StoredVersion | undefined =>
  sim.world.current(vault, name);

const policy =
  (text: string) =>
  (sim: Sim, secrets: readonly Whose[]): void => {
    for (const whose of secrets) {
      const version = current(sim, whose);
      if (version) version.tags = { ...version.tags, 'rotator-policy': text };
    }
  };

/** So many older versions of a time before Keyturn, all disabled. */
const older =
  (count: number) =>
  (sim: Sim, secrets: readonly Whose[]): void => {
    for (const { vault, name } of secrets) {
      const versions = sim.world.versions(vault, name);
      const createdOn = (versions[0]?.createdOn ?? sim.world.now) - 300 * DAY;
      versions.unshift(
        ...Array.from(
          { length: count - versions.length },
          (_, at): StoredVersion => ({
            ...{
              id: sim.world.versionId(),
              value: sim.kind.stored(sim.kind.slots[0] as string, `of old ${at}`),
              tags: {},
              contentType: 'text/plain',
            },
            ...{
              enabled: false,
              expiresOn: undefined,
              createdOn: createdOn + at * MINUTE,
              by: 'person',
            },
            updatedOn: createdOn + at * MINUTE,
          }),
        ),
      );
    }
  };

export const configurations = {
  run: { title: 'as installed', lay: () => {}, ends: 'all' },
  observe: {
    title: 'KEYTURN_MODE=observe',
    lay: (sim) => void Object.assign(sim.config, { mode: 'observe' }),
    ends: 'untouched',
    heals: false,
  },
  drain: {
    title: 'KEYTURN_MODE=drain',
    lay: (sim) => void Object.assign(sim.config, { mode: 'drain' }),
    ends: 'no more',
  },
  paused: {
    title: 'the policy says paused',
    lay: policy('paused=true'),
    ends: 'kept',
    heals: false,
  },
  window: {
    title: 'the policy has a window, which opens in three quarters of an hour, every day',
    lay: policy('window=Mon-Sun 10:45-16:00 UTC'),
    ends: 'all',
  },
  closed: {
    title: 'the policy has a window in which nobody looks',
    lay: policy('window=Mon-Sun 02:00-03:00 UTC'),
    ends: 'kept',
  },
  rate: {
    title: 'one rotation an hour in a vault, and four overall',
    lay: (sim) => void Object.assign(sim.config, { rate: { perVault: 1, overall: 4 } }),
    ends: 'all',
    // Where each of three needs a rotation of its own, one a day comes about by sweeps of every day.
    fits: ({ overlap, joins = true }) => overlap === 'two-slots' && joins,
  },
  brake: {
    title: 'the kind is braked: rotations failed at five targets',
    lay(sim) {
      const on = new Date(sim.world.now - 5 * MINUTE);
      for (const [vault, name] of [...'12345'].map(
        (at) => [at < '4' ? 'kv8' : 'kv9', `failed-${at}`] as const,
      ))
        sim.own.failed.set(`${sim.kind.type} ${vault}/${name}`, {
          ...{ vault, name, type: sim.kind.type, target: name, since: on, on },
        });
    },
    ends: 'all',
  },
  'vault-policy': {
    title: 'a tag of the vault lengthens the grace',
    lay: (sim, secrets) => {
      for (const { vault } of secrets)
        sim.vaultTags.set(vault, { 'keyturn-policy': 'every=30d;grace=60h' });
    },
    ends: 'all',
  },
  'default-policy': {
    title: 'KEYTURN_POLICY is shorter than what is usual',
    lay(sim) {
      Object.assign(sim.config, { policy: 'every=45d;grace=24h' });
      for (const watched of sim.invariants.watched) Object.assign(watched, { graceHours: 24 });
    },
    ends: 'all',
  },
  near: { title: 'room for one more version', lay: older(479), ends: 'all', heals: false },
  limit: { title: 'no room for another version', lay: older(480), ends: 'no more', heals: false },
  unasked: {
    title: 'the target says nothing of any value: keys are switched off at its data plane alone',
    lay(sim) {
      sim.world.isSilent = true;
      // That it is told after a day as `unproved` is a story (`stories.test.ts`); here the rules are asked what they make of it.
      sim.invariants.progress.on = false;
    },
    ends: 'kept',
    heals: false,
    fits: ({ type }) => type === 'storage-account-key',
  },
  strict: {
    title: 'a policy of the vault refuses every new version',
    lay(sim, secrets) {
      for (const { vault } of secrets)
        sim.world.troubles.set(vault, (verb) =>
          verb === 'store' ? new KeyturnError('vault-policy', { status: 403 }) : undefined,
        );
    },
    ends: 'no more',
    heals: false,
  },
  full: {
    title: 'the target has no room for another credential',
    lay(sim, secrets) {
      for (const { account } of secrets)
        sim.world.troubles.set(account, (verb) =>
          verb === 'write' ? new KeyturnError('target-full', { status: 400 }) : undefined,
        );
    },
    ends: 'no more',
    heals: false,
    fits: ({ overlap }) => overlap === 'many',
  },
  forbidden: {
    title: 'a policy of the tenant lets the target make no credential',
    lay(sim, secrets) {
      for (const { account } of secrets)
        sim.world.troubles.set(account, (verb) =>
          verb === 'write' ? new KeyturnError('target-policy', { status: 400 }) : undefined,
        );
    },
    ends: 'no more',
    heals: false,
    fits: ({ overlap }) => overlap === 'many',
  },
  consumers: {
    title: 'two sites read each secret, and follow when they are called',
    lay(sim) {
      sim.readers = { readOn: new Map(), fails: false };
    },
    ends: 'all',
  },
  stragglers: {
    title: 'two sites read each secret, of which one answers every call with a failure',
    lay(sim) {
      sim.readers = { readOn: new Map(), fails: true };
    },
    ends: 'all',
  },
} as const satisfies Record<string, Configuration> as Readonly<
  Record<ConfigurationName, Configuration>
>;

export type ConfigurationName =
  | 'run'
  | 'observe'
  | 'drain'
  | 'paused'
  | 'window'
  | 'closed'
  | 'rate'
  | 'brake'
  | 'vault-policy'
  | 'default-policy'
  | 'near'
  | 'limit'
  | 'unasked'
  | 'strict'
  | 'full'
  | 'forbidden'
  | 'consumers'
  | 'stragglers';
