/**
 * ATK-08: every regular expression of the product takes time in proportion to the text, whatever the text is. They are
 * collected from the sources, so a new one is asked, too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseSync } from '@swc/core';
import fc from 'fast-check';
import { pumped, tooSteep } from './linear.ts';

const SOURCES = join(import.meta.dirname, '../../src');

/** The expressions in a source, as literals or as texts that `new RegExp` gets whole. */
function expressionsIn(file: string): RegExp[] {
  const found: RegExp[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, pattern, flags } = node as { type?: unknown; pattern?: unknown; flags?: unknown };
    if (type === 'RegExpLiteral') found.push(new RegExp(String(pattern), String(flags)));
    for (const inner of Object.values(node)) visit(inner);
  };
  visit(
    parseSync(readFileSync(join(SOURCES, file), 'utf8'), {
      syntax: 'typescript',
      target: 'es2023',
    }),
  );
  return found;
}

const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);
const all = files.flatMap((file) =>
  expressionsIn(file).map((expression) => ({ file, expression })),
);
const unique = [...new Map(all.map((each) => [String(each.expression), each])).values()];

/** Texts that fit, as far as the generator knows the syntax, and what strangers send: blanks, quotes, separators. */
function samplesOf(expression: RegExp): string[] {
  const common = [
    ' ',
    '\t',
    'a',
    'A',
    '0',
    '-',
    '_',
    '.',
    '/',
    '=',
    ';',
    ',',
    ':',
    '"',
    "'",
    '\\',
    '%',
    '{',
    '}',
    '}}',
    '""',
  ];
  const letters = [...new Set(expression.source.match(/[\w/:;=@{}"'%&?# -]/g))];
  const pairs = letters
    .slice(0, 12)
    .flatMap((one) => [` ${one}`, `${one} `, `${one}=`, `;${one}`, `${one}a`]);
  return [...fitting(expression), ...common, ...letters, ...pairs];
}

function fitting(expression: RegExp): string[] {
  try {
    const plain = new RegExp(
      withoutNegations(expression.source),
      expression.flags.replaceAll(/[gyi]/g, ''),
    );
    return fc.sample(fc.stringMatching(plain, { maxLength: 40 }), { numRuns: 4, seed: 8 });
  } catch {
    return []; // look-behind and some classes are beyond the generator
  }
}

/** The generator takes very long over all characters but some: one of them will do. */
const withoutNegations = (source: string): string =>
  source.replace(/\[\^(?:[^\]\\]|\\.)*\]/g, (negated) => {
    const fits = new RegExp(negated);
    return ['x', '0', ' ', '\u0001', 'é'].find((one) => fits.test(one)) ?? 'x';
  });

/** As the sources use them: those that go on search the whole text. */
function searched(expression: RegExp): (text: string) => unknown {
  if (expression.global) return (text) => text.replace(expression, '');
  return (text) => {
    expression.lastIndex = 0;
    return expression.test(text);
  };
}

describe('ATK-08: expressions', () => {
  it('ATK-08: are all found', () => {
    expect(unique.length).toBeGreaterThan(150);
  });

  it.each(unique.map(({ file, expression }) => [file, String(expression), expression] as const))(
    'ATK-08: %s: %s is linear',
    (_file, _source, expression) => {
      const run = searched(expression);
      for (const make of pumped(samplesOf(expression))) {
        const steep = tooSteep(run, make);
        if (steep !== undefined)
          throw new Error(`${JSON.stringify(make(60))} and so on: ${steep}.`);
      }
    },
  );
});
