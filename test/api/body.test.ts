import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BODY_BYTES_MAX, readBody } from '../../src/api/body.ts';
import { KeyturnError } from '../../src/core/errors.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (headers: Record<string, string>, body: AsyncIterable<Uint8Array> | null) =>
  readBody({ headers: new Headers(headers), body });
async function* parts(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytes(text);
}
/** Far more than anybody may send, and no more than a test can hold: read whole it fails the test, not the process. */
const ENDLESS = 64 * BODY_BYTES_MAX;
/** Counts what is taken from it. */
function endless() {
  const seen = { bytes: 0, ended: false };
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      while (seen.bytes < ENDLESS) {
        seen.bytes += 1024;
        yield new Uint8Array(1024);
      }
    } finally {
      seen.ended = true;
    }
  }
  return { seen, body: body() };
}

describe('reading a body', () => {
  it('ATK-11: stops at 8 KiB where no length was announced or it lies, and lets go of the rest', async () => {
    for (const headers of [{}, { 'content-length': '10' }] as Record<string, string>[]) {
      const { seen, body } = endless();
      await expect(read(headers, body)).rejects.toMatchObject({ reason: 'bad-request' });
      expect(seen).toEqual({ bytes: BODY_BYTES_MAX + 1024, ended: true });
    }
  });

  it('ATK-11: reads nothing where the headers tell already', async () => {
    for (const headers of [
      { 'content-length': String(BODY_BYTES_MAX + 1) },
      { 'content-length': '999999999999999' },
      { 'content-length': '1e3' },
      { 'content-length': '7, 7' },
      { 'transfer-encoding': 'chunked' },
      { 'transfer-encoding': 'gzip', 'content-length': '7' },
      { 'content-type': 'application/json' },
    ] as Record<string, string>[]) {
      const { seen, body } = endless();
      await expect(read(headers, body)).rejects.toBeInstanceOf(KeyturnError);
      expect(seen.bytes).toBe(0);
    }
  });

  it.each<[string, Record<string, string>, string[], string]>([
    ['fewer bytes than announced', { 'content-length': '15' }, ['{}'], 'bad-request'],
    ['none of those announced', { 'content-length': '15' }, [], 'bad-request'],
    ['more bytes than announced', { 'content-length': '2' }, ['{}', '{}'], 'bad-request'],
    ['bytes where 0 are announced', { 'content-length': '0' }, ['{}'], 'bad-request'],
    ['bytes that nobody announced', {}, ['{}'], 'length-required'],
  ])('HST-01: refuses %s', async (_title, headers, texts, reason) => {
    await expect(read(headers, parts(...texts))).rejects.toMatchObject({ reason });
  });

  it('HST-01: is empty only where nobody announced anything', async () => {
    expect(await read({}, null)).toBe('');
    expect(await read({ 'content-length': '0', 'content-type': 'application/json' }, null)).toBe(
      '',
    );
  });

  it('puts any text together, however it is cut, and refuses what is no UTF-8', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.nat(20),
        async (text, at) => {
          const whole = bytes(text);
          async function* body() {
            yield whole.subarray(0, at);
            yield whole.subarray(at);
          }
          const kept = new TextDecoder().decode(whole);
          expect(await read({ 'content-length': String(whole.length) }, body())).toBe(kept);
        },
      ),
    );
    async function* broken() {
      yield Uint8Array.of(0x22, 0xff, 0x22);
    }
    await expect(read({ 'content-length': '3' }, broken())).rejects.toMatchObject({
      reason: 'bad-request',
    });
  });
});
