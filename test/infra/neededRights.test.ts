/** Every right of a kind comes to where it is given, in all that is made from it: shown with a kind that needs one of each sort. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { roleOf } from '../../scripts/docs.ts';
import { roles } from '../../scripts/infra/roles.ts';
import { rightsRows } from '../../scripts/permissions.ts';
import { usedIn } from './everyKind.ts';

const READ = 'Microsoft.Devices/IotHubs/read';
const WRITE = 'Microsoft.Devices/IotHubs/devices/read';
const OWN = ['roleAssignments', 'permissions', 'locks'].map(
  (each) => `Microsoft.Authorization/${each}/read`,
);
const kind = {
  type: 'made-up',
  rights: {
    actions: [READ],
    dataActions: [WRITE],
    graph: ['Application.ReadWrite.OwnedBy'],
    database: ['`CREATE USER` on `*.*`'],
  },
};

describe('a right', () => {
  it('of the data plane stands in the role of the kind as one', () => {
    expect(roles([kind]).targets).toEqual({
      'made-up': { actions: [READ, ...OWN], dataActions: [WRITE] },
    });
    const json = JSON.parse(/```json\n(.*)\n```/s.exec(roleOf(kind) ?? '')?.[1] ?? '');
    expect(json).toMatchObject({ Actions: [READ, ...OWN], DataActions: [WRITE] });
  });

  it('of the data plane alone makes a role, too', () => {
    const { targets } = roles([{ type: 'made-up', rights: { actions: [], dataActions: [WRITE] } }]);
    expect(targets).toEqual({ 'made-up': { actions: OWN, dataActions: [WRITE] } });
  });

  it('of Microsoft Graph or of a database makes none', () => {
    const { graph, database } = kind.rights;
    const other = { type: 'made-up', rights: { actions: [], graph, database } };
    expect(roles([other]).targets).toEqual({});
    expect(roleOf(other)).toBeUndefined();
  });

  it('of each sort is a row of docs/permissions.md that says who gives it', () => {
    const rights = rightsRows(kind).map((row) => row.split(' | ')[1]);
    expect(rights).toEqual([
      `\`${READ}\``,
      `\`${WRITE}\` (data action)`,
      '`Application.ReadWrite.OwnedBy` of Microsoft Graph',
      '`CREATE USER` on `*.*`, in the server',
    ]);
    expect(() =>
      rightsRows({ type: 'made-up', rights: { actions: ['Microsoft.Devices/anything'] } }),
    ).toThrow('Nothing is said of Microsoft.Devices/anything');
  });

  it('has the words of its kind before those that fit any', () => {
    const note = { call: 'PUT of the identity', misuse: 'lock out every device', source: 'a page' };
    const rights = {
      actions: [READ, 'Microsoft.Devices/anything'],
      notes: { [READ]: note, 'Microsoft.Devices/anything': note },
    };
    expect(rightsRows({ type: 'made-up', rights })).toEqual(
      rights.actions.map(
        (each) =>
          `| \`made-up\` | \`${each}\` | PUT of the identity | lock out every device | a page |`,
      ),
    );
  });

  it('of the data plane that is used counts in the proof that a role is what is used', () => {
    const call = {
      action: WRITE,
      host: 'hub1.iot',
      path: '/devices/dev1',
      principal: 'me',
      route: 'x',
    };
    const place = { kind: 'made-up', name: 'hub1', id: '/hub1', value: '' };
    const used = usedIn([call as Parameters<typeof usedIn>[0][number]], 'me', [place]);
    expect(used.get('made-up')).toEqual(new Set([WRITE.toLowerCase()]));
  });

  it.each(['target', 'roles'])(
    'of the data plane reaches the role that %s.bicep makes',
    (template) => {
      const compiled = readFileSync(
        join(import.meta.dirname, `../../infra/compiled/${template}.json`),
        'utf8',
      );
      const { resources } = JSON.parse(compiled);
      const made = JSON.stringify(
        Object.values(resources).map((each) => (each as { properties?: unknown }).properties),
      );
      expect(made).toMatch(
        /"dataActions":"\[coalesce\(tryGet\([^"]*'dataActions'\), createArray\(\)\)\]"/,
      );
    },
  );
});
