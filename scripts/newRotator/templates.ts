/** What `npm run new-rotator` writes: a kind with two keys in turn that compiles, passes lint, and says in its tests what is to be written. */

/** The names of a kind, all made from its tag value. */
export interface Names {
  /** `iot-device-key` */
  readonly kind: string;
  /** `iotDeviceKey` */
  readonly camel: string;
  /** `IotDeviceKey` */
  readonly pascal: string;
}

export const namesOf = (kind: string): Names => {
  const camel = kind.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return { kind, camel, pascal: camel.replace(/^./, (letter) => letter.toUpperCase()) };
};

/** Where each file of a kind lies; every one is new. */
export const newFiles = ({ camel }: Names) => ({
  rotator: `src/rotators/${camel}.ts`,
  target: `src/targets/${camel}Api.ts`,
  fake: `local/azure/${camel}Fake.ts`,
  contract: `test/contract/${camel}.test.ts`,
});

export const rotatorText = ({
  kind,
  camel,
  pascal,
}: Names): string => `/** \`${kind}\`: two keys in turn. */
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { type Handle, parseResourceId } from '../core/ids.ts';
import type { Manifest, Parameters, Rotator } from '../ports/rotator.ts';
import type { ${pascal}Api } from '../targets/${camel}Api.ts';
import { parseOptions } from './kit/options.ts';
import { twoSlots } from './kit/twoSlots.ts';

export interface ${pascal}Options {
  readonly api: ${pascal}Api;
  readonly clock: Clock;
}

// To be written: the type of the resource, its slots with the idle one first, and each right that is really used; what a misuse
// could, where scripts/permissions.ts has no words for it, stands in \`rights.notes\`.
const TYPE = 'Microsoft.Example/things';
const SLOTS: readonly Handle[] = ['key2', 'key1'];
const Options = z.strictObject({});

export const ${camel}Manifest: Manifest = {
  type: '${kind}',
  title: 'To be written: what it is, for people',
  overlap: 'two-slots',
  rights: { actions: [\`\${TYPE}/read\`, \`\${TYPE}/listKeys/action\`, \`\${TYPE}/regenerateKey/action\`] },
  options: Options,
  form: { kind: 'bare' },
};

/** The rotator over its port. */
export function ${camel}({ api, clock }: ${pascal}Options): Rotator {
  return {
    ...${camel}Manifest,
    bind({ target, options }: Parameters) {
      const resource = parseResourceId(target, TYPE, 'The tag rotator-target');
      parseOptions(Options, options);
      // Two logins in turn: twoLogins. One password: OnePassword. Many credentials: appRegistration.ts shows the way.
      return twoSlots({
        ...{ id: resource.text, owners: [resource.text], name: resource.name, slots: SLOTS, clock },
        facts: async () => ({ hosts: await api.hosts(resource) }),
        moreHosts: async () => [],
        list: () => api.list(resource),
        regenerate: (slot) => api.regenerate(resource, slot),
        looks: { ended: 1, lost: 1 },
      });
    },
  };
}
`;

export const targetText = ({
  kind,
  camel,
  pascal,
}: Names): string => `/** What \`${kind}\` says on the wire. */
import type { TokenCredential } from '@azure/identity';
import type { Cloud } from '../azure/cloud.ts';
import type { Clock } from '../core/clock.ts';
import type { Handle, ResourceId } from '../core/ids.ts';
import type { Secret } from '../core/secret.ts';
import type { Regeneration } from './armKeys.ts';

/** Reads throw \`BusyError\` or a refusal, \`regenerate\` \`UnknownOutcomeError\`, too. */
export interface ${pascal}Api {
  /** By which a connection string may name it, lower case. */
  hosts(id: ResourceId): Promise<readonly string[]>;
  list(id: ResourceId): Promise<ReadonlyMap<Handle, { readonly value: Secret }>>;
  /** Sent once. */
  regenerate(id: ResourceId, slot: Handle): Promise<Regeneration>;
}

/** Nothing is loaded or dialled before it is used: take SDKs and \`thinClient\` by \`await import\`, as \`storageKeys.ts\` does. */
export function ${camel}Api(_on: {
  readonly cloud: Cloud;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}): ${pascal}Api {
  return {
    hosts: () => unwritten('hosts'),
    list: () => unwritten('list'),
    regenerate: () => unwritten('regenerate'),
  };
}

const unwritten = (what: string): Promise<never> =>
  Promise.reject(
    new Error(
      \`${kind}: write \\\`\${what}\\\` in src/targets/${camel}Api.ts and its route in local/azure/${camel}Fake.ts; docs/developing.md, "A new rotator", says how.\`,
    ),
  );
`;

export const fakeText = ({
  kind,
  camel,
  pascal,
}: Names): string => `/** The resource of \`${kind}\` in the stand-in. Each route names the page that it is from, and is as strict as Azure. */
import type { Route } from './service.ts';
import type { World } from './world.ts';

const TYPE = 'Microsoft.Example/things';

export class ${pascal}Fake {
  readonly id: string;
  readonly #keys = new Map<string, string>(['key1', 'key2'].map((slot) => [slot, crypto.randomUUID()]));

  constructor(id: string) {
    this.id = id;
  }

  key(slot: string): string {
    return this.#keys.get(slot) ?? '';
  }

  accepts(value: string): boolean {
    return [...this.#keys.values()].includes(value);
  }
}

/** Puts one into the tenant, with the rights that Keyturn needs there. */
export function add${pascal}(world: World, name: string): ${pascal}Fake {
  world.resourceGroups.add('rg-keyturn');
  const id = \`/subscriptions/\${world.subscriptionId}/resourceGroups/rg-keyturn/providers/\${TYPE}/\${name}\`;
  const actions = ['read', 'listKeys/action', 'regenerateKey/action'].map((verb) => \`\${TYPE}/\${verb}\`);
  world.roles.grant({ principalId: world.identity.oid, scope: id, actions });
  return new ${pascal}Fake(id);
}

/**
 * One of them, with the value that people use: for whoever runs every kind (\`test/infra/everyKind.ts\`, which finds it by the file).
 *
 * @public
 */
export const place = (world: World, name: string) => {
  const made = add${pascal}(world, name);
  return { id: made.id, value: made.key('key1') };
};

/** To be written: GET, the list of keys, the regeneration. */
export const ${camel}Routes: Route[] = [];
`;

export const contractText = ({
  kind,
  camel,
  pascal,
}: Names): string => `import { afterAll, beforeAll } from '@jest/globals';
import { add${pascal} } from '../../local/azure/${camel}Fake.ts';
import { Secret } from '../../src/core/secret.ts';
import { ${camel} } from '../../src/rotators/${camel}.ts';
import { ${camel}Api } from '../../src/targets/${camel}Api.ts';
import { startTenant, type Tenant } from '../azure/tenant.fixtures.ts';
import { rotatorContract, SECRET } from './rotator.contract.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ vaults: [] });
});
afterAll(() => tenant.azure.stop());

let made = 0;
rotatorContract('${kind}', async () => {
  made += 1;
  tenant.azure.calls.length = 0;
  const resource = add${pascal}(tenant.azure.world, \`subject\${made}\`);
  const rotator = ${camel}({ api: ${camel}Api(tenant), clock: tenant.clock });
  return {
    rotator,
    bind: () => rotator.bind({ target: resource.id, options: {}, secret: SECRET }),
    first: { value: new Secret(resource.key('key1')) },
    stranger: { value: new Secret('no key of it') },
    stay: async () => true,
    changes: () => tenant.azure.changes().length,
    accepts: async ({ value }) => resource.accepts(value.reveal()),
    vouched: true,
  };
});
`;

/** The section of docs/rotators.md, by hand from here on. */
export const sectionText = ({ kind }: Names): string => `
## ${kind}

To be written: what takes turns, and what has to be granted. The old one works on until the grace is over.
`;
