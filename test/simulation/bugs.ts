/** Bugs, planted by wrapping ports: the suite must find each of them, or it proves nothing. */
import type { Secret } from '../../src/core/secret.ts';
import type { Deps } from '../../src/reconcile/deps.ts';
import { change, readState, STATE_TAG, withState } from '../../src/reconcile/state.ts';
import type { Target } from '../../src/rotators/rotator.ts';
import type { Current, Vault } from '../../src/vault/vault.ts';
import type { Wrap } from './sim.ts';
import type { World } from './world.ts';

const wrapVault = (deps: Deps, wrap: (vault: Vault) => Vault): Deps => {
  const opened = new Map<string, Vault>();
  return {
    ...deps,
    vaults: {
      names: deps.vaults.names,
      open: (name) => {
        const vault = deps.vaults.open(name);
        if (!vault) return undefined;
        const wrapped = opened.get(name) ?? wrap(vault);
        opened.set(name, wrapped);
        return wrapped;
      },
    },
  };
};

const wrapTarget = (deps: Deps, wrap: (target: Target) => Target): Deps => ({
  ...deps,
  rotators: {
    types: deps.rotators.types,
    get: (type) => {
      const rotator = deps.rotators.get(type);
      return rotator && { ...rotator, bind: (parameters) => wrap(rotator.bind(parameters)) };
    },
  },
});

/** A port with some of its methods replaced; the others stay bound to the real one. */
const over = (target: Target, changes: Partial<Target>): Target =>
  new Proxy(target, {
    get(real, name) {
      const found: unknown = Reflect.get(Object.hasOwn(changes, name) ? changes : real, name);
      return typeof found === 'function' ? found.bind(real) : found;
    },
  });

const without = (current: Current): Current => {
  if (typeof current === 'string') return current;
  const { [STATE_TAG]: _, ...tags } = current.tags;
  return { ...current, tags };
};

/** The handle that the tags of the current version name, whatever the value is. */
async function handleByTag(deps: Deps): Promise<string | undefined> {
  const current = await deps.vaults.open('kv1')?.current('st-a');
  return typeof current === 'object' ? readState(current.tags)?.cred : undefined;
}

export const bugs: Record<string, Wrap> = {
  'revokes without reading the value again': (deps) =>
    wrapVault(deps, (vault) => {
      let first: Current | undefined;
      return { ...vault, current: async (name) => (first ??= await vault.current(name)) };
    }),
  'regenerates the live slot': (deps) =>
    wrapTarget(deps, (target) =>
      over(target, {
        issue: (rotation, keep, until, stay) =>
          target.issue(rotation, keep[0] === 'key1' ? ['key2'] : ['key1'], until, stay),
      }),
    ),
  'does not know its own work': (deps) =>
    wrapVault(deps, (vault) => ({
      ...vault,
      current: async (name) => without(await vault.current(name)),
      versions: async (name) =>
        (await vault.versions(name)).map(
          (each) => without({ ...each, value: undefined as unknown as Secret }) as Exclude<Current, string>,
        ),
    })),
  'revokes before the proof': (deps) =>
    wrapTarget(deps, (target) =>
      over(target, {
        check: async () => 'accepted',
        adopt: async (value) => (await target.adopt(value)) ?? (await handleByTag(deps)),
      }),
    ),
  'writes the state in a second call': (deps) =>
    wrapVault(deps, (vault) => ({
      ...vault,
      store: async (name, version) => {
        const { [STATE_TAG]: state, ...tags } = version.tags;
        const id = await vault.store(name, { ...version, tags });
        await vault.retag(name, id, { ...tags, ...(state === undefined ? {} : { [STATE_TAG]: state }) });
        return id;
      },
    })),
  'strikes the obligation off first': (deps) =>
    wrapTarget(deps, (target) =>
      over(target, {
        revoke: async (handle, old, stay) => {
          const vault = deps.vaults.open('kv1');
          const versions = (await vault?.versions('st-a')) ?? [];
          for (const { id, tags } of versions) {
            const state = readState(tags);
            if (state?.cred === handle && !state.revoked)
              await vault?.retag('st-a', id, withState(tags, change(state, { revoked: true })), false);
          }
          await target.revoke(handle, old, stay);
        },
      }),
    ),
  'trusts the tag over the value': (deps) =>
    wrapTarget(deps, (target) =>
      over(target, { adopt: async (value) => (await handleByTag(deps)) ?? target.adopt(value) }),
    ),
};

/** Ports that are wrapped and changed in nothing: no bug, so what is found elsewhere is not the wrapping. */
export const noBug: Wrap = (deps) =>
  wrapVault(
    wrapTarget(deps, (target) => over(target, {})),
    (vault) => vault,
  );

/** What one team could once do to another; only two teams show them (`teams.ts`). */
export const teamBugs: Record<string, Wrap> = {
  // Five failures of a kind in a row, of whatever secret, and it stands still; nothing is tried before somebody asks.
  'brakes a kind by its failures': (deps, world) => {
    const failures = countedIn(world);
    return {
      ...deps,
      rows: {
        ...deps.rows,
        saveFailed: async (row) => void failures.set(row.type, (failures.get(row.type) ?? 0) + 1),
        forgetFailed: async (type) => void failures.set(type, 0),
        failedRotations: async (type) => {
          const on = deps.clock.now();
          if ((failures.get(type) ?? 0) < 5) return [];
          return deps.vaults.names.flatMap((vault) =>
            ['1', '2', '3', '4', '5'].map((at) => ({ vault, name: at, type, target: vault + at, since: on, on })),
          );
        },
      },
    };
  },
  // `encodeURIComponent` takes no lone surrogate, and every value was spelled by it as soon as it was opened.
  'cannot hold every text as a secret': (deps) =>
    wrapTarget(deps, (target) =>
      over(target, {
        adopt: (value, login) => {
          encodeURIComponent(value.reveal());
          return target.adopt(value, login);
        },
      }),
    ),
  // An owner's text gave its target to a secret whatever the secret took it for.
  'reads no kind in a consent': (deps) => ({
    ...deps,
    consent: {
      of: async (target, secret) => {
        const grants = await deps.consent.of(target, secret);
        return grants.flatMap((grant) => deps.rotators.types.map((kind) => ({ ...grant, kind })));
      },
    },
  }),
};

const failuresIn = new WeakMap<World, Map<string, number>>();
function countedIn(world: World): Map<string, number> {
  const found = failuresIn.get(world) ?? new Map<string, number>();
  failuresIn.set(world, found);
  return found;
}
