import { expect, it } from '@jest/globals';
import {
  SecretBody,
  SecretDetailBody,
  secretDetailBody,
  secretsBody,
} from '../../src/api/secretBody.ts';
import { PLAIN, plain } from '../../src/core/plain.ts';

const on = new Date('2027-01-01T00:00:00Z');
const hostile = [
  '<img src=x onerror=alert(1)>',
  '=HYPERLINK("x")',
  '\u001b[2J',
  'a\r\nb',
  '\u202e',
  'A'.repeat(10_240),
];
const asJson = (body: unknown) => JSON.parse(JSON.stringify(body));

it('shows a secret that was only listed so far, and the remedy of one that a person must mend', () => {
  const item = {
    vault: 'kv1',
    name: 'db',
    failures: 0,
    view: { state: 'waiting', owed: [] },
  } as const;
  const [bare, refused] = asJson(
    secretsBody([
      item,
      { ...item, step: 'refuse', reason: 'no-consent', detail: 'The role says nothing.' },
    ]),
  ).secrets;
  expect(SecretBody.parse(bare)).toEqual({
    vault: 'kv1',
    secret: 'db',
    state: 'waiting',
    owed: [],
    failures: 0,
  });
  expect(SecretBody.parse(refused).last).toMatchObject({
    ...{
      step: 'refuse',
      reason: 'no-consent',
      by: 'target owner',
      detail: 'The role says nothing.',
    },
    remedy: expect.stringContaining('Name the secret in the description of the role'),
  });
});

it.each(hostile)(
  "shows the owner's tag without what does not print, and a row of strangers in ASCII: %.20j (SEC-06)",
  (text) => {
    const view = {
      state: 'ok',
      owner: text,
      rotator: text,
      target: text,
      owed: [text],
      expiresOn: on,
    } as const;
    const item = {
      ...{ vault: 'kv1', name: 'db', failures: 0, view, step: text, reason: text, detail: text },
    };
    const body = secretDetailBody({ ...item, versions: [] });
    const { owner, ...rest } = SecretDetailBody.parse(asJson(body));
    expect(owner).toBe(plain(text));
    expect(owner).toMatch(PLAIN);
    expect(JSON.stringify(rest)).toMatch(/^[\x20-\x7e]+$/);
  },
);
