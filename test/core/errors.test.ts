import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { BusyError, withoutText } from '../../src/core/errors.ts';

describe('what a trigger may throw', () => {
  it('FN-05: drops the text of an error that is not ours, also from its stack and cause', () => {
    const strange = new RangeError('invalid: hunter2-hunter2', {
      cause: new Error('hunter2-hunter2'),
    });
    const bare = withoutText(strange);
    expect(inspect(bare, { showHidden: true })).not.toContain('hunter2');
    expect(bare.message).toBe('An unexpected RangeError.');
    expect(bare.stack).toContain('errors.test.ts');
  });

  it('keeps an error of ours as it is, so that the host tries again', () => {
    const busy = new BusyError('storage-busy');
    expect(withoutText(busy)).toBe(busy);
  });
});
