/** infra/scripts with an `az` that records: a second run changes nothing, and nothing hostile gets into a request. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SCOPE } from '../../src/api/auth.ts';
import { type Directory, FakeAz, pick, type Service, service, tsv } from './fakeAz.ts';

const root = join(import.meta.dirname, '../..');
const scripts = join(root, 'infra/scripts');
const GRAPH = '99999999-0000-4000-8000-000000000000';
const GRAPH_APP = '00000003-0000-0000-c000-000000000000';
const OWNED_BY = '18a4783c-866b-4cc7-a460-3d5e5662c884';
const IDENTITY = '11111111-0000-4000-8000-000000000001';
const ME = '22222222-0000-4000-8000-000000000002';
const APP = '33333333-0000-4000-8000-000000000003';
const APP_OBJECT = '33333333-0000-4000-8000-000000000033';
const APP_SERVICE = '33333333-0000-4000-8000-000000000333';
const ROLE = '44444444-0000-4000-8000-000000000004';

let folder = '';
let az: FakeAz;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-az-'));
  az = new FakeAz(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  direct({});
  az.changes.length = 0;
});

const graph = service({
  id: GRAPH,
  appId: GRAPH_APP,
  appRoles: [{ id: ROLE, value: 'Mail.Send' }],
});

function direct({
  services = [service({ id: IDENTITY, appId: IDENTITY })],
  ...given
}: Partial<Directory>): void {
  const directory = {
    me: ME,
    applications: [],
    refusals: [],
    ...given,
    services: [graph, ...services],
  };
  az.directory = structuredClone(directory);
}

const run = (script: string, ...words: string[]) => az.run(join(scripts, script), ...words);

describe('every script', () => {
  it.each(readdirSync(scripts).filter((file) => file.endsWith('.sh')))(
    '%s parses and stops at an error',
    (file) => {
      expect(spawnSync('bash', ['-n', join(scripts, file)]).status).toBe(0);
      if (file !== 'lib.sh')
        expect(readFileSync(join(scripts, file), 'utf8')).toMatch(/^set -euo pipefail$/m);
    },
  );

  it('runs against an az that reads its queries as JMESPath does', () => {
    const seen = { a: [{ b: 1, c: { d: [2, 3] } }], e: [], f: [{ g: 4 }] };
    expect(tsv(pick(seen, 'a[].[b,c.d[0]]'))).toBe('1\t2\n');
    expect(tsv(pick(seen, '[e[].g,f[].g][]'))).toBe('4\n');
    expect(tsv(pick(seen, 'x.y[]'))).toBe('');
  });
});

describe('api-app.sh', () => {
  it('registers audience, roles, the scope that the app asks people for, and the Azure CLI, with no secret', async () => {
    const { status, stdout, stderr } = await run('api-app.sh');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const app = az.directory.applications[0];
    expect(stdout).toContain(`KEYTURN_AUDIENCE=${app?.appId}`);
    expect(app).toMatchObject({
      ...{ signInAudience: 'AzureADMyOrg', identifierUris: [`api://${app?.appId}`] },
      appRoles: [
        { value: 'Keyturn.Read' },
        { value: 'Keyturn.Rotate' },
        { value: 'Keyturn.Revoke' },
      ],
      api: {
        requestedAccessTokenVersion: 2,
        oauth2PermissionScopes: [{ value: SCOPE, isEnabled: true }],
      },
    });
    const scope = pick(app, 'api.oauth2PermissionScopes[0].id');
    expect(pick(app, 'api.preAuthorizedApplications')).toEqual([
      { appId: '04b07795-8ddb-461a-bbee-02f9e1bf7b46', delegatedPermissionIds: [scope] },
    ]);
    expect(
      az.changes.filter(({ path }) => path.includes('addPassword') || path.includes('addKey')),
    ).toEqual([]);
    expect(az.directory.services.at(-1)?.appId).toBe(app?.appId);
  });

  it('changes nothing when it is run again, and puts right what somebody changed', async () => {
    await run('api-app.sh');
    az.changes.length = 0;
    expect(await run('api-app.sh')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('nothing to change'),
    });
    expect(az.changes).toEqual([]);
    Object.assign(az.directory.applications[0] ?? {}, { appRoles: [] });
    expect((await run('api-app.sh')).status).toBe(0);
    expect(az.changes.map(({ body }) => Object.keys(body))).toEqual([['appRoles']]);
  });

  it('says in a dry run what it would do, and does none of it', async () => {
    const { status, stdout } = await run('api-app.sh', '--dry-run');
    expect(status).toBe(0);
    expect(stdout.match(/^Would: /gm)).toHaveLength(6);
    expect(az.changes).toEqual([]);
  });

  const theirs = { id: APP_OBJECT, appId: APP, displayName: 'Keyturn', owners: [IDENTITY] };
  it('does not adopt a registration of the same name that somebody else owns', async () => {
    direct({ applications: [theirs] });
    expect(await run('api-app.sh')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`--app-id ${APP}`),
    });
    expect(az.changes).toEqual([]);
    expect((await run('api-app.sh', '--app-id', APP)).status).toBe(0);
  });

  it.each([
    ['a secret', { passwordCredentials: [{ keyId: ROLE }] }],
    ['a certificate', { keyCredentials: [{ keyId: ROLE }] }],
    ['a role of its own', { appRoles: [{ id: ROLE, value: 'Admin', isEnabled: true }] }],
    [
      'another client',
      { api: { preAuthorizedApplications: [{ appId: ROLE, delegatedPermissionIds: [ROLE] }] } },
    ],
  ])('leaves a registration alone that has %s', async (_, has) => {
    direct({ applications: [{ ...theirs, ...has }] });
    expect((await run('api-app.sh', '--app-id', APP)).status).toBe(1);
    expect(az.changes).toEqual([]);
  });

  it.each([
    [['--name', "x' or displayName ne '"]],
    [['--name', 'x","signInAudience":"AzureADMultipleOrgs']],
    [['--name', 'x\ny']],
    [['--name', '$(touch /tmp/keyturn-hostile)']],
    [['--app-id', `${APP}')/owners`]],
    [['--name']],
    [['--name', '--dry-run']],
    [['--force']],
  ])('refuses %j and asks nothing', async (words) => {
    expect((await run('api-app.sh', ...words)).status).toBe(1);
    expect(az.changes).toEqual([]);
    expect(readdirSync(tmpdir())).not.toContain('keyturn-hostile');
  });
});

describe('grant.sh', () => {
  const [READ, REVOKE, OFF, GROUP, HUMAN] = [5, 6, 7, 8, 9].map(
    (n) => `55555555-0000-4000-8000-00000000000${n}`,
  ) as [...[string, string, string, string, string]];
  const API = '66666666-0000-4000-8000-000000000006';
  const AUDIENCE = '66666666-0000-4000-8000-000000000066';
  const appRoles = [
    { id: READ, value: 'Keyturn.Read', isEnabled: true },
    { id: REVOKE, value: 'Keyturn.Revoke', isEnabled: true },
    { id: OFF, value: 'Keyturn.Rotate', isEnabled: false },
  ];
  const api = service({ id: API, appId: AUDIENCE, appRoles });
  const held = (resourceId: string) => [{ id: 'theirs', appRoleId: READ, resourceId }];
  const tenant = (assignments: Service['assignments'] = []) =>
    direct({
      services: [
        api,
        service({ id: IDENTITY, appId: ROLE, assignments }),
        service({ id: APP_SERVICE, appId: APP }),
      ],
      others: [
        { kind: 'groups', id: GROUP, assignments: [] },
        { kind: 'users', id: HUMAN, assignments: [] },
      ],
    });
  const read = ['--audience', AUDIENCE, '--role', 'Keyturn.Read'];
  const everybody = ['--app', APP, '--identity', IDENTITY, '--group', GROUP, '--user', HUMAN];

  it('OPS-08: gives the roles to applications, identities, groups and people, each once', async () => {
    tenant();
    const first = await run('grant.sh', ...read, '--role', 'Keyturn.Revoke', ...everybody);
    expect(first).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('8 changes made'),
    });
    const places = [
      `servicePrincipals/${APP_SERVICE}`,
      `servicePrincipals/${IDENTITY}`,
      `groups/${GROUP}`,
      `users/${HUMAN}`,
    ];
    expect(az.changes).toEqual(
      places.flatMap((place) =>
        [READ, REVOKE].map((appRoleId) => ({
          ...{ method: 'post', path: `/${place}/appRoleAssignments` },
          body: { principalId: place.split('/')[1], resourceId: API, appRoleId },
        })),
      ),
    );
    const again = await run('grant.sh', ...read, ...everybody);
    expect(again).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('nothing to change'),
    });
    expect(az.changes).toHaveLength(8);
  });

  it('OPS-08: takes back what it is told to, and no role of another API', async () => {
    tenant([...held(GRAPH), { id: 'ours', appRoleId: READ, resourceId: API }]);
    const back = await run(
      'grant.sh',
      ...read,
      '--identity',
      IDENTITY,
      '--group',
      GROUP,
      '--take-back',
    );
    expect(back).toMatchObject({ status: 0, stderr: '' });
    expect(az.changes.map(({ method, path }) => [method, path])).toEqual([
      ['delete', `/servicePrincipals/${IDENTITY}/appRoleAssignments/ours`],
    ]);
    expect(az.directory.services.find(({ id }) => id === IDENTITY)?.assignments).toEqual(
      held(GRAPH),
    );
  });

  it('OPS-08: knows a role of another API for none of its own', async () => {
    tenant(held(GRAPH));
    expect((await run('grant.sh', ...read, '--identity', IDENTITY)).stdout).toContain(
      '1 changes made',
    );
  });

  it('OPS-08: says in a dry run what it would do, and does none of it', async () => {
    tenant();
    const { status, stdout } = await run('grant.sh', ...read, ...everybody, '--dry-run');
    expect([
      status,
      stdout.match(/^Would: Give Keyturn\.Read to the (app|identity|group|user) /gm)?.length,
    ]).toEqual([0, 4]);
    expect(az.changes).toEqual([]);
  });

  it.each([
    ['somebody who is not there', [...read, '--app', APP, '--group', HUMAN]],
    ['a client id as object id', [...read, '--identity', APP]],
    ['an application that is not there', [...read, '--app', HUMAN]],
    ['a role that is off', ['--audience', AUDIENCE, '--role', 'Keyturn.Rotate', '--group', GROUP]],
    [
      'an API that is not there',
      ['--audience', APP_OBJECT, '--role', 'Keyturn.Read', '--group', GROUP],
    ],
    [
      'a role of no such name',
      ['--audience', AUDIENCE, '--role', 'Keyturn.Admin', '--group', GROUP],
    ],
    ['a hostile role', ['--audience', AUDIENCE, '--role', "Keyturn.Read' or '1", '--group', GROUP]],
    ['a hostile id', [...read, '--group', `${GROUP}/owners`]],
    [
      'a hostile audience',
      ['--audience', `${AUDIENCE}'`, '--role', 'Keyturn.Read', '--group', GROUP],
    ],
    ['an option without a value', [...read, '--group', '--dry-run']],
    ['nobody', read],
    ['no role', ['--audience', AUDIENCE, '--group', GROUP]],
    ['no audience', ['--role', 'Keyturn.Read', '--group', GROUP]],
    ['an unknown option', [...read, '--group', GROUP, '--force']],
  ])('OPS-08: refuses %s before anything is changed', async (_, words) => {
    tenant();
    const { status, stderr } = await run('grant.sh', ...words);
    expect([status, stderr === '']).toEqual([1, false]);
    expect(az.changes).toEqual([]);
  });
});

describe('graph.sh', () => {
  const app = { id: APP_OBJECT, appId: APP, displayName: 'shop', owners: [ME] };
  const identity = service({ id: IDENTITY, appId: IDENTITY });
  const asApp = (given: Partial<Service>) => [
    identity,
    service({ id: APP_SERVICE, appId: APP, ...given }),
  ];
  const both = ['--principal-id', IDENTITY, '--app', APP];

  it('grants OwnedBy and nothing more, and makes the identity an owner; again it changes nothing', async () => {
    direct({ applications: [app], services: asApp({}) });
    expect(await run('graph.sh', ...both)).toMatchObject({ status: 0, stderr: '' });
    expect(az.changes.map(({ path, body }) => ({ path, ...body }))).toEqual([
      {
        path: `/servicePrincipals/${IDENTITY}/appRoleAssignments`,
        ...{ principalId: IDENTITY, resourceId: GRAPH, appRoleId: OWNED_BY },
      },
      {
        path: `/applications/${APP_OBJECT}/owners/$ref`,
        '@odata.id': `https://graph.example/v1.0/directoryObjects/${IDENTITY}`,
      },
    ]);
    const again = await run('graph.sh', ...both);
    expect(again).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('nothing to change'),
    });
    expect(az.changes).toHaveLength(2);
  });

  it('says in a dry run what it would do, and does none of it', async () => {
    direct({ applications: [app], services: asApp({}) });
    const { status, stdout } = await run('graph.sh', ...both, '--dry-run');
    expect({ status, would: stdout.match(/^Would: /gm)?.length }).toEqual({ status: 0, would: 2 });
    expect(az.changes).toEqual([]);
  });

  it.each([
    ['a directory role', { directoryRoles: ['Global Administrator'] }],
    ['a permission of Graph that acts', { assignments: [{ appRoleId: ROLE, resourceId: GRAPH }] }],
    [
      'Owner of a group',
      { azureRoles: [{ roleDefinitionName: 'Owner', scope: '/subscriptions/s/resourceGroups/r' }] },
    ],
    [
      'any role at a subscription',
      { azureRoles: [{ roleDefinitionName: 'Ours', scope: '/subscriptions/s' }] },
    ],
  ])(
    'refuses an application with %s before anything is changed, unless told otherwise',
    async (_, rights) => {
      direct({ applications: [app], services: asApp(rights) });
      expect(await run('graph.sh', ...both)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('privileged'),
      });
      expect(az.changes).toEqual([]);
      expect((await run('graph.sh', ...both, '--allow-privileged')).status).toBe(0);
      expect(az.changes).toHaveLength(2);
    },
  );

  it('takes rights that it can not read for no harmless ones', async () => {
    direct({ applications: [app], services: asApp({}), hidden: 'transitiveMemberOf' });
    expect((await run('graph.sh', ...both)).status).toBe(1);
    expect(az.changes).toEqual([]);
  });

  it('waits for an identity that is not known everywhere, and takes "already exists" for done (DP-03)', async () => {
    const unknown = 'Bad Request({"error":{"message":"Not a valid reference update."}})';
    const exists =
      'Bad Request({"error":{"message":"One or more added object references already exist"}})';
    direct({ applications: [app], services: asApp({}), refusals: [unknown, unknown, unknown] });
    expect((await run('graph.sh', ...both)).status).toBe(0);
    expect(az.changes).toHaveLength(5);
    direct({ applications: [app], services: asApp({}), refusals: [exists, exists] });
    expect((await run('graph.sh', ...both)).status).toBe(0);
    direct({
      applications: [app],
      services: asApp({}),
      refusals: ['Forbidden(Authorization_RequestDenied)'],
    });
    expect(await run('graph.sh', ...both)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Authorization_RequestDenied'),
    });
  });

  it('does not add to an identity that may write every application already', async () => {
    const assignments = [{ appRoleId: '1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9', resourceId: GRAPH }];
    const all = service({ id: IDENTITY, appId: IDENTITY, assignments });
    direct({ applications: [app], services: [all] });
    expect((await run('graph.sh', '--principal-id', IDENTITY)).status).toBe(1);
    expect(az.changes).toEqual([]);
  });

  it.each([
    [['--principal-id', `${IDENTITY}/owners`]],
    [['--principal-id', IDENTITY, '--app', `${APP}'`]],
    [['--principal-id', IDENTITY, '--app', `${APP}\n${APP}`]],
    [['--principal-id', '$(id)']],
    [['--app', APP]],
    [['--principal-id', IDENTITY, APP]],
  ])('refuses %j and changes nothing', async (words) => {
    direct({ applications: [app], services: asApp({}) });
    expect((await run('graph.sh', ...words)).status).toBe(1);
    expect(az.changes).toEqual([]);
  });
});
