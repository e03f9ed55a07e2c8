import { describe, expect, it } from '@jest/globals';
import { operationBody } from '../../src/api/operationBody.ts';
import { problem } from '../../src/api/problem.ts';
import { BusyError, KeyturnError } from '../../src/core/errors.ts';
import { PLAIN, plain } from '../../src/core/plain.ts';
import { reasons } from '../../src/core/reasons.ts';
import { Secret } from '../../src/core/secret.ts';

const hostile = [
  '<img src=x onerror=alert(1)>',
  '=HYPERLINK("https://evil.example")',
  '\u001b[2J',
  'a\r\nSet-Cookie: x',
  "' or PartitionKey ne '",
  '\u202e',
  'A'.repeat(10_240),
];

describe('problem details', () => {
  it('name the reason, its page and its remedy', () => {
    const { status, headers, jsonBody } = problem(
      new KeyturnError('owed-first', { detail: 'key2 until 2027-01-05.' }),
    );
    expect(status).toBe(409);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(jsonBody).toMatchObject({
      type: '/api/reasons/owed-first',
      title: reasons['owed-first'].cause,
      detail: 'key2 until 2027-01-05.',
      remedy: reasons['owed-first'].remedy,
    });
  });

  it('are word for word the same for absent, not opted in and not visible', () => {
    expect(problem(new KeyturnError('not-found', { detail: 'kv1 has no db' }))).toEqual(
      problem(new KeyturnError('not-found')),
    );
  });

  it('say nothing of an error that is not ours', () => {
    const { status, jsonBody } = problem(new Error('invalid: hunter2-hunter2'));
    expect(status).toBe(500);
    expect(JSON.stringify(jsonBody)).not.toContain('hunter2');
  });

  it('hold nothing that looks like a credential (FN-05), and are the same whatever the process knows (ATK-07)', () => {
    const key = Buffer.alloc(64, 'a value').toString('base64');
    const answerTo = (text: string) =>
      problem(new KeyturnError('bad-request', { detail: `refused ${text}` }));
    expect(JSON.stringify(answerTo(key))).not.toContain(key.slice(0, 8));
    const before = answerTo('hunter2-hunter2');
    new Secret('hunter2-hunter2');
    expect(answerTo('hunter2-hunter2')).toEqual(before);
  });

  it('ask to come back when nobody is at fault for long', () => {
    expect(problem(new BusyError('storage-busy'))).toMatchObject({
      status: 503,
      headers: { 'retry-after': '10' },
    });
    expect(problem(new KeyturnError('no-token'))).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
    });
  });
});

it.each(hostile)(
  "OPS-07: shows a person's own text as it is, but for what does not print: %.20j (SEC-06)",
  (text) => {
    const on = new Date('2027-01-01T00:00:00Z');
    const common = {
      id: 'x',
      vault: 'kv1',
      name: 'db',
      version: 'v',
      phase: 'accepted',
      done: false,
      override: [],
      revoke: 'after-grace',
      caller: 'c',
      createdOn: on,
      updatedOn: on,
    };
    const body = operationBody({ ...common, steps: [], note: text, ticket: text });
    expect(body.ticket).toBe(plain(text));
    expect(body.ticket).toMatch(PLAIN);
    expect(String(body.ticket).length).toBeLessThanOrEqual(256);
  },
);
