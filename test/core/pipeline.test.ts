import { describe, expect, it } from '@jest/globals';
import type { Clock } from '../../src/core/clock.ts';
import { BusyError, KeyturnError } from '../../src/core/errors.ts';
import { onlyTo, patience, untilFree } from '../../src/core/pipeline.ts';

const get = (headers: Record<string, string> = {}) => ({
  method: 'GET',
  url: 'https://kv1.vault.azure.net/',
  headers,
});
const answer = (status: number, headers: Record<string, string> = {}) => ({
  status,
  headers: new Map(Object.entries(headers)),
});
const lost = () =>
  Object.assign(new Error('socket hang up'), { name: 'RestError', code: 'ECONNRESET' });

function watch() {
  const slept: number[] = [];
  const clock: Clock = {
    now: () => new Date(),
    sleep: async (milliseconds) => void slept.push(milliseconds / 1000),
  };
  return { slept, clock };
}

describe('the pipeline of every client', () => {
  it('SDK-02: repeats a read four times, with pauses that grow and differ', async () => {
    const { slept, clock } = watch();
    let sent = 0;
    const last = await patience(clock).sendRequest(get(), async () =>
      answer(++sent < 9 ? 503 : 200),
    );
    expect([sent, last.status]).toEqual([5, 503]);
    for (const [index, pause] of slept.entries()) {
      expect(pause).toBeGreaterThanOrEqual(2 ** index / 2);
      expect(pause).toBeLessThanOrEqual(2 ** index);
    }
    expect(slept).toHaveLength(4);
  });

  it('SDK-01: sends a write once, whatever comes back', async () => {
    const { slept, clock } = watch();
    const put = { ...get(), method: 'PUT' };
    let sent = 0;
    await patience(clock).sendRequest(put, async () => answer(++sent && 503));
    const broken = patience(clock).sendRequest(put, async () => {
      sent += 1;
      throw lost();
    });
    await expect(broken).rejects.toThrow('socket hang up');
    expect([sent, slept]).toEqual([2, []]);
  });

  it('ends each send by itself', async () => {
    const request = { ...get(), abortSignal: undefined as unknown };
    await patience(watch().clock).sendRequest(request, async () => answer(200));
    expect(request.abortSignal).toBeInstanceOf(AbortSignal);
  });

  it('does not repeat what failed on this side', async () => {
    const { slept, clock } = watch();
    const failing = patience(clock).sendRequest(get(), async () => {
      throw new Error('The challenge resource does not match');
    });
    await expect(failing).rejects.toThrow('challenge');
    expect(slept).toEqual([]);
  });

  it.each([401, 403, 404, 409])('gives a %i back at once', async (status) => {
    const { slept, clock } = watch();
    expect((await patience(clock).sendRequest(get(), async () => answer(status))).status).toBe(
      status,
    );
    expect(slept).toEqual([]);
  });

  it('SDK-02: waits as long as Retry-After says, and not for minutes', async () => {
    const { slept, clock } = watch();
    let sent = 0;
    await patience(clock).sendRequest(get(), async () =>
      ++sent === 1 ? answer(429, { 'retry-after': '3' }) : answer(200),
    );
    const long = await patience(clock).sendRequest(get(), async () =>
      answer(429, { 'retry-after': '400' }),
    );
    expect([slept, long.status]).toEqual([[3], 429]);
  });

  it('follows no link to another host', async () => {
    const policy = onlyTo('https://kv1.vault.azure.net');
    const next = async () => answer(200);
    const led = (url: string) => policy.sendRequest({ ...get(), url }, next);
    await expect(led('https://evil.example/')).rejects.toThrow('led away');
    await expect(led('http://kv1.vault.azure.net/')).rejects.toThrow('led away');
    await expect(led('https://kv1.vault.azure.net:443/x')).resolves.toBeDefined();
  });

  it('asks again while the answer is busy, and not after a refusal', async () => {
    const { slept, clock } = watch();
    let asked = 0;
    const result = await untilFree(clock, true, async () => {
      asked += 1;
      if (asked < 3) throw new BusyError('target-busy', { status: asked === 1 ? 409 : 429 });
      return 'free';
    });
    expect([result, slept.length]).toEqual(['free', 2]);
    const refused = untilFree(clock, true, async () =>
      Promise.reject(new KeyturnError('scope-locked')),
    );
    await expect(refused).rejects.toThrow(KeyturnError);
    // A read that the pipeline repeated for a quarter of a minute is not begun anew under the same locks.
    const unanswered = untilFree(clock, false, async () =>
      Promise.reject(new BusyError('target-busy', { status: 503 })),
    );
    await expect(unanswered).rejects.toThrow(BusyError);
    expect(slept).toHaveLength(2);
  });

  it('waits no longer with a write than the locks of its pass allow, whatever Retry-After says', async () => {
    const { slept, clock } = watch();
    let sent = 0;
    const busy = untilFree(clock, true, async () => {
      sent += 1;
      throw new BusyError('target-busy', { status: 409, retryAfterSeconds: 15 });
    });
    await expect(busy).rejects.toThrow(BusyError);
    expect([sent, slept]).toEqual([2, [15]]);
  });
});
