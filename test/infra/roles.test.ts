/**
 * Role = use: every kind and every function runs over the local tenant with the roles of the templates and nothing else. What
 * was asked of Azure is what the roles hold: nothing was missing, and nothing was given that was not used.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { calls } from '../../src/api/calls.ts';
import { inRole } from '../../src/core/neededRights.ts';
import { manifests } from '../../src/rotators/kinds.ts';
import type { Tenant } from '../cases/harness.ts';
import { eventAbout } from '../cases/person.ts';
import {
  assign,
  isOptional,
  type Place,
  placesIn,
  type Roles,
  rolesInBicep,
  startEveryKind,
  usedIn,
} from './everyKind.ts';

const kinds = manifests.map(({ type }) => type);
const inAzure = manifests.filter(({ rights }) => inRole(rights).length > 0).map(({ type }) => type);
/** Their servers are real ones elsewhere (`npm run databases`); here Keyturn asks Azure about them and finds nobody at home. */
const SERVERLESS = ['postgresql-login', 'mysql-login'];

const root = join(import.meta.dirname, '../..');
const roles = rolesInBicep();
let tenant: Tenant;
let places: readonly Place[] = [];
let used: ReadonlyMap<string, ReadonlySet<string>>;
const ran = new Set<string>();

beforeAll(async () => {
  tenant = await startEveryKind(kinds);
  places = placesIn(tenant);
  assign(tenant.azure, roles, places);
  for (const { kind, id, name, value, options } of places) {
    const tags = {
      rotator: kind,
      'rotator-target': id,
      ...(options === undefined ? {} : { 'rotator-options': options }),
    };
    tenant.seed(name, { value, tags });
  }
  await tenant.goTo(tenant.dueOn(places[0]?.name ?? ''));
  await tenant.sweepAndSettle(3_000); // rotated and proved
  await tenant.advance({ hours: 49 }, { sweepEvery: 7 });
  await tenant.sweepAndSettle(3_000); // revoked
  await everyFunction();
  used = usedIn(tenant.azure.calls, tenant.azure.world.identity.oid, places);
});
afterAll(() => tenant.stop());

async function everyFunction(): Promise<void> {
  const name = 'storageaccountkey';
  const secret = `/api/vaults/kv1/secrets/${name}`;
  const call = async (run: string, path: string, init: Parameters<Tenant['request']>[1] = {}) => {
    const { status } = await tenant.request(path, init);
    if (status < 500) ran.add(run);
    return status;
  };
  await tenant.event(name);
  for (const queue of ['keyturn-events', 'keyturn-events-poison', 'keyturn-work-poison'] as const) {
    const look = { vault: 'kv1', name, cause: 'sweep' };
    await tenant.own.put(
      JSON.stringify(queue.includes('events') ? eventAbout(tenant.azure, name, {}) : look),
      queue,
    );
  }
  // Whoever is told: nobody here, so that both say so and are done.
  for (const queue of ['keyturn-notices', 'keyturn-notices-poison'] as const)
    await tenant.own.put('{}', queue);
  for (const run of [
    'notices',
    'noticesPoison',
    'secretEvents',
    'secretEventsQueue',
    'secretEventsPoison',
    'work',
    'workPoison',
    'sweep',
  ])
    ran.add(run);
  await tenant.sweepAndSettle();
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
  await call('rotate', `${secret}/rotate`, {
    ...json,
    body: JSON.stringify({ override: ['too-soon'] }),
  });
  await tenant.settle();
  // What the roles allow is asked for in dry runs alone.
  for (const place of places) {
    const body = JSON.stringify({ dryRun: true, override: ['too-soon'] });
    await call('rotate', `/api/vaults/kv1/secrets/${place.name}/rotate`, { ...json, body });
  }
  await call('revoke', `${secret}/revoke`, json);
  await call('undo', `${secret}/undo`, json);
  await call('hold', `${secret}/hold`, {
    ...json,
    body: JSON.stringify({ until: new Date(Date.now() + 3_600_000) }),
  });
  // Whatever there is to be read, for the storage account's secret.
  const pieces: Record<string, string> = {
    vault: 'kv1',
    name,
    id: crypto.randomUUID(),
    code: 'no-consent',
  };
  const asked = (path: string) =>
    `/api/${path.replace(/\{(\w+)\}/g, (_, piece: string) => pieces[piece] ?? '')}`;
  for (const { name: run, path } of calls.filter(({ method }) => method === 'GET'))
    await call(run, asked(path));
  // Whatever else may be asked for, without a change.
  for (const { name: run, method, path } of calls.filter(({ name: each }) => !ran.has(each)))
    await call(run, asked(path), { ...json, method, body: JSON.stringify({ dryRun: true }) });
  await tenant.settle(600);
}

const lower = (actions: Iterable<string>) =>
  [...new Set([...actions].map((action) => action.toLowerCase()))].sort();
const own = (at: string) => [...(used.get(at) ?? [])].sort();

describe('what was run', () => {
  it('is every kind, each rotated and revoked, and every function', async () => {
    expect(new Set(places.map(({ kind }) => kind))).toEqual(new Set(kinds));
    const rotated = places.filter(({ kind }) => !SERVERLESS.includes(kind));
    const versions = rotated.map(({ name }) => [name, tenant.versions(name).length > 1]);
    expect(versions.filter(([, done]) => !done)).toEqual([]);
    const revoked = tenant
      .logs('audit')
      .filter(({ step, outcome }) => step === 'revoke' && outcome === 'done');
    const twoSided = manifests.filter(
      ({ overlap, type }) => overlap !== 'none' && !SERVERLESS.includes(type),
    );
    const kindOf = new Map(places.map(({ name, kind }) => [name, kind]));
    expect(lower(revoked.map(({ name }) => kindOf.get(String(name)) ?? ''))).toEqual(
      lower(twoSided.map(({ type }) => type)),
    );
    expect([...ran].sort()).toEqual(tenant.host.functions.map(({ name }) => name).sort());
  });

  it('met no refusal by Azure, but of looks that it can do without', () => {
    const refused = tenant.azure.calls.filter(
      ({ status, principal }) => status === 403 && principal !== undefined,
    );
    expect(
      refused.filter((call) => !isOptional(call)).map(({ action, path }) => `${action} ${path}`),
    ).toEqual([]);
  });
});

/** Of both planes. */
const held = ({ actions = [], dataActions = [] }: Partial<Roles['vault']> = {}) =>
  lower([...actions, ...dataActions]);

describe('a role', () => {
  it('is there for every kind whose rights are Azure actions', () => {
    expect(Object.keys(roles.targets).sort()).toEqual(inAzure.toSorted());
  });

  it('of a vault holds what was used there, and nothing more', () => {
    expect(own('vault')).toEqual(held(roles.vault));
  });

  it('of discovery holds what was used there, and nothing more', () => {
    expect([...own('discovery'), 'microsoft.keyvault/vaults/read'].sort()).toEqual(
      lower(roles.discovery.actions),
    );
  });

  it.each(inAzure)('of %s holds what was used there, and nothing more', (kind) => {
    expect(own(kind)).toEqual(held(roles.targets[kind]));
  });

  it('at own storage is there for each service that the app works with, and for no other', () => {
    const read = (path: string) => readFileSync(join(root, path), 'utf8');
    const sources = readdirSync(join(root, 'src/store')).map((file) => read(`src/store/${file}`));
    const services = {
      '@azure/storage-blob': 'blobOwner',
      '@azure/storage-queue': 'queueContributor',
      '@azure/data-tables': 'tableContributor',
    };
    const imported = Object.entries(services).filter(([name]) =>
      sources.some((text) => text.includes(`from '${name}'`)),
    );
    const [, given = ''] =
      /module hostRoles [\s\S]*?account: \[(.*?)\]/.exec(read('infra/main.bicep')) ?? [];
    expect(given.split(', ').sort()).toEqual(imported.map(([, role]) => `builtIn.${role}`).sort());
    // The identity that runs has no right at the package (docs/permissions.md).
    expect(read('infra/main.bicep')).toMatch(
      /module packageRoles [^}]*principalId: packageIdentity\.outputs\.principalId/,
    );
  });

  it('of Microsoft Graph is the one permission that app-registration declares', () => {
    const { identity } = tenant.azure.world;
    expect(identity.graphRoles).toEqual(
      manifests.find(({ type }) => type === 'app-registration')?.rights.graph,
    );
    const writes = tenant.azure.calls.filter(
      ({ route, write }) => route.startsWith('graph.') && write,
    );
    expect(lower(writes.map(({ action }) => action))).toEqual(lower(identity.graphRoles));
  });
});
