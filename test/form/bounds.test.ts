/** What the codec refuses to open or to write: too long, of another account, and what its readers would read otherwise. */
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import { refusalOf } from '../jest/refusal.ts';

const open = (text: string, field?: string) =>
  openForm(
    new Secret(text),
    { spec: { kind: 'bare' }, ...(field === undefined ? {} : { field }) },
    [],
  );

describe('a value', () => {
  it('ATK-08: of more than 8,192 characters is refused before anything reads it', () => {
    expect(open('a'.repeat(8192)).bare.bytes).toBe(8192);
    expect(refusalOf(() => open('a'.repeat(8193)))).toMatchObject({
      reason: 'bad-value',
      detail: expect.stringContaining('more than 8192 characters'),
    });
    expect(refusalOf(() => open(JSON.stringify({ pw: 'a'.repeat(8193) }), 'pw'))).toMatchObject({
      reason: 'bad-value',
    });
  });
});

describe('a connection string of a storage account', () => {
  const KEY = 'aB3+/9xQmZ0tY7uE1wKc5dHs8vNf2gRj4pLi6oXyTzA=';
  const hosts = ['acct1.blob.core.windows.net', 'acct1.queue.core.windows.net'];
  const of = (text: string) =>
    openForm(new Secret(text), { spec: { kind: 'key', dialects: ['storage'] } }, hosts);

  it('opens where account and addresses are those of the target', () => {
    const form = of(
      `AccountName=acct1;AccountKey=${KEY};BlobEndpoint=https://acct1.blob.core.windows.net/`,
    );
    expect(form.bare.equals(new Secret(KEY))).toBe(true);
  });

  it.each([
    [
      'the name of another account',
      'AccountName=acct2',
      'BlobEndpoint=https://acct1.blob.core.windows.net/',
    ],
    [
      'the name of an account that begins alike',
      'AccountName=acct',
      'BlobEndpoint=https://acct1.blob.core.windows.net/',
    ],
    [
      'an address of another account',
      'AccountName=acct1',
      'BlobEndpoint=https://acct2.blob.core.windows.net/',
    ],
    ['an address in another cloud', 'AccountName=acct1', 'EndpointSuffix=core.chinacloudapi.cn'],
  ])('SEC-02: with %s is refused', (_, ...parts) => {
    expect(refusalOf(() => of([...parts, `AccountKey=${KEY}`].join(';')))).toMatchObject({
      reason: 'foreign-host',
    });
  });
});

describe('a document', () => {
  it.each([
    [
      'netrc, where it would begin another part',
      'machine h login u password oldvalue-1234\n',
      '/h/password',
      'default',
    ],
    [
      'netrc, where it would begin a macro',
      'machine h login u password oldvalue-1234\n',
      '/h/password',
      'macdef',
    ],
    ['YAML, where it would end the line', 'a: x\npw: oldvalue-1234\nb: y\n', 'pw', 'one\rtwo'],
    [
      'properties, where it would end the line',
      '# c\na: x\npw: oldvalue-1234\nb: y\n',
      'pw',
      'one\rtwo',
    ],
    ['lines, where its last blank would be nobody’s', 'A=x\nPW=oldvalue-1234\nB=y\n', 'PW', 'one '],
  ])('is not written in %s', (_, text, field, next) => {
    expect(refusalOf(() => open(text, field).fill(new Secret(next)))).toMatchObject({
      reason: 'bad-value',
      detail: expect.stringContaining('cannot be written into the document'),
    });
  });
});
