/** Pictures in the pages: GitHub draws them with mermaid, so mermaid's own grammar has to take each of them. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');
const PAGES = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const pictures = PAGES.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```mermaid\n(.*?)^```$/gms)].map(
    ([, text = '']) => ({
      page,
      text,
    }),
  ),
);
const Answers = z.array(
  z.strictObject({ page: z.string(), type: z.string().optional(), error: z.string().optional() }),
);

/** What mermaid says of each, in their order. */
function parsed(given: typeof pictures) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'parse.mjs')],
    {
      ...{ cwd: root, env, input: JSON.stringify(given), encoding: 'utf8' },
    },
  );
  if (status !== 0) throw new Error(stderr);
  return Answers.parse(JSON.parse(stdout));
}

describe('pictures', () => {
  let answers: z.infer<typeof Answers>;
  beforeAll(() => {
    answers = parsed([...pictures, { page: 'broken', text: 'flowchart LR\n  a --> [' }]);
  });

  it('are the five: a rotation, the pass, consent, the folders, a private network', () => {
    expect(pictures.map(({ page }) => page).sort()).toEqual([
      ...[
        'README.md',
        'docs/deploy.md',
        'docs/design.md',
        'docs/developing.md',
        'docs/opting-in.md',
      ],
    ]);
  });

  it.each(pictures.map(({ page }, at) => [page, at] as const))(
    'of %s is taken by mermaid',
    (page, at) => {
      expect(answers[at]).toEqual({ page, type: expect.any(String) });
    },
  );

  it('that are broken are found', () => {
    expect(answers.at(-1)).toMatchObject({
      page: 'broken',
      error: expect.stringMatching(/^Parse error on line 2/),
    });
  });
});
