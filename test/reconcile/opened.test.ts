/** What an opened value says at the target: white space at its ends, and other slots' keys (cases VAL-02, VAL-03). */
import { describe, expect, it } from '@jest/globals';
import type { FormSpec } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import { adoptForm, otherKeyIn, refuseOtherKeys } from '../../src/reconcile/observe/opened.ts';

const admin: FormSpec = { kind: 'login', server: 'sqlserver', required: false };
/** The server's own password, and which texts were tried at it. */
function server(password: string) {
  const tried: string[] = [];
  const adopt = async (value: Secret) => {
    tried.push(value.reveal());
    return value.reveal() === password ? 'password' : undefined;
  };
  return { tried, adopt };
}
const open = (text: string) => openForm(new Secret(text), { spec: admin }, []);

describe('VAL-03: white space at the ends of a password', () => {
  it('VAL-03: is outside where the password is known without it, with one try', async () => {
    const { tried, adopt } = server('Pass-word.1');
    const { opened, handle } = await adoptForm(open('Pass-word.1\n'), adopt);
    expect([handle, tried]).toEqual(['password', ['Pass-word.1']]);
    expect(opened.fill(new Secret('nEw')).reveal()).toBe('nEw\n');
  });

  it('VAL-03: belongs to the password where the server knows it only so; then nothing stands around it', async () => {
    const { adopt } = server(' Pass-word.1 ');
    const { opened, handle } = await adoptForm(open(' Pass-word.1 '), adopt);
    expect(handle).toBe('password');
    expect(opened.bare.reveal()).toBe(' Pass-word.1 ');
    expect(opened.fill(new Secret('nEw')).reveal()).toBe('nEw');
  });

  it('VAL-03: of a password without any there is one reading, and one try', async () => {
    const { tried, adopt } = server('other');
    expect((await adoptForm(open('Pass-word.1'), adopt)).handle).toBeUndefined();
    expect(tried).toEqual(['Pass-word.1']);
  });
});

describe('VAL-02: the key of another slot', () => {
  const keys = [7, 8].map((byte) => new Secret(Buffer.alloc(64, byte).toString('base64')));
  const present = new Map(keys.map((value, at) => [`key${at + 1}`, value]));
  const target = { handles: ['key1', 'key2'], obstacles: [], hosts: [], present };
  const document = (member: object) =>
    openForm(
      new Secret(JSON.stringify({ key: keys[0]?.reveal(), ...member })),
      { spec: { kind: 'key', dialects: ['storage'] }, field: 'key' },
      [],
    );

  it('VAL-02: is found where it stands, and refused with that place', () => {
    const form = document({ deep: { other: keys[1]?.reveal() } });
    expect(otherKeyIn(form, target)).toEqual({ handle: 'key2', where: '/deep/other' });
    expect(() => refuseOtherKeys(form, target)).toThrow(/key2.*"\/deep\/other"/);
  });

  it('VAL-02: a second place of its own key is none', () => {
    expect(() => refuseOtherKeys(document({ again: keys[0]?.reveal() }), target)).not.toThrow();
  });
});
