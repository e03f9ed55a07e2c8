/** What is printed past the product's own log: console and both streams, kept instead of shown. */
const LEVELS = ['log', 'info', 'warn', 'error', 'debug'] as const;

/** Begins to catch; `release` gives the streams back. The console of a test file is its own. */
export function catchPrinted(): { readonly printed: string[]; release(): void } {
  const printed: string[] = [];
  const streams = [process.stdout, process.stderr].map((stream) => ({
    stream,
    write: stream.write,
  }));
  for (const { stream } of streams) {
    stream.write = (text: string | Uint8Array) => {
      printed.push(String(text));
      return true;
    };
  }
  for (const level of LEVELS)
    console[level] = (...all: unknown[]) => void printed.push(all.map(String).join(' '));
  return {
    printed,
    release() {
      for (const { stream, write } of streams) stream.write = write;
    },
  };
}
