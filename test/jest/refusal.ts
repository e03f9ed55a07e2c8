/** Why something was refused, for tests that look at the reason. */
import { KeyturnError } from '../../src/core/errors.ts';

/** The error that `act` throws. Throws where it was taken, and what is no reason of Keyturn's. */
export function refusalOf(act: () => unknown): KeyturnError {
  try {
    act();
  } catch (error) {
    if (error instanceof KeyturnError) return error;
    throw error;
  }
  throw new Error('It was taken.');
}

/** The same of what is promised. */
export async function refusalIn(asked: Promise<unknown>): Promise<KeyturnError> {
  const error = await asked.then(
    () => new Error('It was taken.'),
    (thrown: unknown) => thrown,
  );
  return refusalOf(() => {
    throw error;
  });
}

/** `reason: detail`; undefined where it was taken. */
export function saidOf(act: () => unknown): string | undefined {
  let isTaken = false;
  try {
    const { reason, detail } = refusalOf(() => {
      act();
      isTaken = true;
    });
    return `${reason}: ${detail}`;
  } catch (error) {
    if (isTaken) return undefined;
    throw error;
  }
}
