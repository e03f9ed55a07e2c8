/** How long a value of the greatest size that a vault takes (25 kB) keeps a worker: the codec opens it for every look. */
import { performance } from 'node:perf_hooks';
import type { FormSpec } from '../src/core/formSpec.ts';
import { Secret } from '../src/core/secret.ts';
import { openForm } from '../src/form/form.ts';
import { median, percentile, type Row, rowsOf } from './table.ts';

const BYTES = 25_000;
const ROUNDS = 200;
const row = rowsOf('codec');
const PG = 'pg1.postgres.database.azure.com';
const login: FormSpec = { kind: 'login', server: 'postgresql', required: true };
const key: FormSpec = { kind: 'key', dialects: ['storage'] };
const KEY = Buffer.alloc(64, 7).toString('base64');

/** Documents of 25 kB, each with its credential once or in many places. */
const documents: Readonly<Record<string, readonly [text: string, spec: FormSpec, login: boolean]>> =
  {
    'JSON, one long member': [
      JSON.stringify({ u: 'app_a', p: 'old-password-1', more: 'x'.repeat(BYTES) }),
      login,
      true,
    ],
    'JSON, many members': [
      JSON.stringify({ u: 'app_a', p: 'old-password-1', more: filled('member') }),
      login,
      true,
    ],
    'JSON, the credential in a hundred strings': [
      JSON.stringify({
        u: 'app_a',
        p: 'old-password-1',
        more: Array(100).fill(
          `postgresql://app_a:old-password-1@${PG}/app?application_name=${'x'.repeat(150)}`,
        ),
      }),
      login,
      true,
    ],
    'JSON, base64 everywhere': [
      JSON.stringify({ p: KEY, more: Array(150).fill(Buffer.alloc(100, 3).toString('base64')) }),
      key,
      false,
    ],
    'lines of .env': [
      `u=app_a\np=old-password-1\n${Array.from({ length: 1_500 }, (_, at) => `NAME_${at}=value`).join('\n')}`,
      login,
      true,
    ],
  };

function filled(name: string): string[] {
  return Array.from({ length: Math.floor(BYTES / (name.length + 9)) }, (_, at) => `${name} ${at}`);
}

/** Milliseconds to open and fill each of the documents, over 200 rounds in turn. */
export async function measureCodec(): Promise<Row[]> {
  const times = new Map<string, number[]>(Object.keys(documents).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, [text, spec, hasLogin]] of Object.entries(documents)) {
      const started = performance.now();
      const form = openForm(
        new Secret(text),
        { spec, field: 'p', ...(hasLogin ? { loginField: 'u' } : {}) },
        [PG, 'acct1.blob.core.windows.net'],
      );
      form.fill(new Secret('y'.repeat(40)), hasLogin ? 'app_b' : undefined);
      times.get(name)?.push(performance.now() - started);
    }
  }
  return [...times].map(([name, each]) =>
    row(name, median(each), 'ms', {
      target: { atMost: 5 },
      note: `opened and filled; p95 ${percentile(each, 95).toPrecision(2)} ms, ${documents[name]?.[0].length} characters`,
    }),
  );
}
