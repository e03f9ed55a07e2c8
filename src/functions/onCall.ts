/**
 * The functions' side of the border between what a cold start reads at once and what the first call loads: settings,
 * SDKs, schemas and all that uses them are behind one `import()` (measured: docs/bench.md).
 */
import type { HttpHandler, InvocationContext } from '@azure/functions';

type Handlers = typeof import('./handlers.ts');

/** Loaded once per process; a failure is not tried again by the runtime, and each call names it in the log. */
async function load(context: InvocationContext): Promise<Handlers | undefined> {
  try {
    return await import('./handlers.ts');
  } catch (error) {
    // Nothing was read yet but code, so this text holds no value, and without it nobody knew which file is broken.
    const text = String(error).slice(0, TEXT_MAX);
    context.error(JSON.stringify({ message: 'app not loaded', error: text }));
    return undefined;
  }
}
const TEXT_MAX = 500;

/** A handler that throws when the app can't be loaded: the host tries again, later on another worker perhaps. */
export const onCall =
  <Input, Output>(
    pick: (handlers: Handlers) => (input: Input, context: InvocationContext) => Output,
  ) =>
  async (input: Input, context: InvocationContext): Promise<Awaited<Output>> => {
    const handlers = await load(context);
    if (!handlers) throw new Error('Keyturn could not be loaded.');
    return await pick(handlers)(input, context);
  };

/** The same over HTTP: 503 when the app can't be loaded, and not a word more, since anyone may ask. */
export const onRequest =
  (pick: (handlers: Handlers) => HttpHandler): HttpHandler =>
  async (request, context) => {
    const handlers = await load(context);
    return handlers
      ? await pick(handlers)(request, context)
      : { status: 503, headers: { 'cache-control': 'no-store' } };
  };
