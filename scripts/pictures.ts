/**
 * `npm run pictures`: the terminal pictures of the documentation, each from a real run: `npm start` serves the tenant in a box, the
 * command line asks it at a terminal of a fixed width, and what it wrote becomes an SVG. Times and ids differ from run to run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Io } from '../cli/io.ts';
import { run } from '../cli/run.ts';

const root = join(import.meta.dirname, '..');
const COLUMNS = 100;
const PICTURES = {
  list: ['list', 'show kv-shop/orders-sql'],
  rotate: ['plan kv-web/media-key', 'rotate kv-web/reports-storage --ticket CHG-4711 --wait'],
} as const;

/** What the program writes at a terminal, with colours. */
async function typed(line: string): Promise<string> {
  const written: string[] = [];
  const out = { write: (text: string) => void written.push(text), isTty: true, columns: COLUMNS };
  const io: Io = {
    ...{
      out,
      err: out,
      env: {},
      cwd: root,
      fetch,
      now: () => new Date(),
      stopped: new AbortController().signal,
    },
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    ...{ ask: async () => undefined, printed: async () => undefined, browse: async () => false },
  };
  await run([...line.split(' '), '--local'], io, '');
  return `\x1b[1m$ keyturn ${line}\x1b[0m\n${written.join('')}`;
}

const COLOURS: Readonly<Record<string, string>> = {
  31: '#f97583',
  32: '#85e89d',
  33: '#ffea7f',
  34: '#79b8ff',
  2: '#959da5',
};
const [LINE, CELL, EDGE] = [18, 7.8, 16];
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Text with colours of a terminal as a picture that scales; no font and no script comes from elsewhere. */
export function svgOf(text: string, title: string): string {
  const lines = text.trimEnd().split('\n');
  const [width, height] = [Math.ceil(COLUMNS * CELL + 2 * EDGE), lines.length * LINE + 2 * EDGE];
  const rows = lines.map((line, at) => {
    const parts = line.split('\x1b[').map((part, index) => {
      const [, code = '0', rest = part] = index === 0 ? [] : (/^(\d+)m(.*)$/s.exec(part) ?? []);
      const style =
        code === '1' ? ' font-weight="bold"' : COLOURS[code] ? ` fill="${COLOURS[code]}"` : '';
      return rest === '' ? '' : `<tspan${style}>${escaped(rest)}</tspan>`;
    });
    return `<text x="${EDGE}" y="${EDGE + LINE * (at + 0.75)}" xml:space="preserve">${parts.join('')}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<rect width="100%" height="100%" rx="8" fill="#1f2428"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace" font-size="13" fill="#e1e4e8">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** Until the tenant serves; rejects where it ends before. */
const served = (tenant: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    tenant.stdout?.on('data', (text: Buffer) => /\/revoke\n/.test(text.toString()) && resolve());
    tenant.once('close', () => reject(new Error('npm start ended before it served.')));
  });

if (process.argv[1] === import.meta.filename) {
  const words = ['--import', './local/preload.ts', 'local/start.ts', '--port', '0'];
  const tenant = spawn(process.execPath, words, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await served(tenant);
    for (const [name, lines] of Object.entries(PICTURES)) {
      const told: string[] = [];
      for (const line of lines) told.push(await typed(line));
      const title = lines.map((line) => `keyturn ${line}`).join(', then ');
      await writeFile(join(root, `docs/pictures/${name}.svg`), svgOf(told.join('\n'), title));
    }
  } finally {
    tenant.kill('SIGINT');
    await once(tenant, 'close');
  }
}
