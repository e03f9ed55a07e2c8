/** `suggest`: how secrets that have not opted in could. */
import type { z } from 'zod';
import type { SuggestionsBody } from '../../src/api/calls/listSuggestions.ts';
import { table } from '../show/table.ts';
import type { CommandSpec } from '../spec.ts';
import { shortTarget } from './list.ts';

type Suggestions = z.infer<typeof SuggestionsBody>;
type Suggestion = Suggestions['suggestions'][number];

/** Quoted for a shell. */
const word = (text: string): string =>
  /^[\w/.:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

const tagged = ({ vault, secret, tags }: Suggestion): string => {
  const flags = {
    rotator: '--rotator',
    'rotator-target': '--target',
    'rotator-options': '--options',
  };
  const given = Object.entries(flags).flatMap(([name, flag]) =>
    tags[name] === undefined ? [] : [flag, word(tags[name])],
  );
  return ['keyturn tag', `${vault}/${secret}`, ...given].join(' ');
};

export const suggest: CommandSpec = {
  name: 'suggest',
  summary:
    'how secrets that have not opted in could, where KEYTURN_SUGGEST lets values be looked at; nothing of a value is shown',
  options: [{ flags: '--vault <name>', says: 'of this vault only' }],
  examples: ['keyturn suggest --vault kv-shop'],
  async run({ session, asked, print }) {
    const all: Suggestion[] = [];
    let continuation: string | undefined;
    let how: Suggestions['suggest'];
    do {
      const query = { vault: asked.text('vault'), continuation };
      const { body } = await session.api.call<Suggestions>('suggestions', { query });
      all.push(...body.suggestions);
      ({ suggest: how, continuation } = body);
    } while (continuation !== undefined);
    print({
      body: { suggest: how, suggestions: all },
      items: all,
      tables: [
        table<Suggestion>({
          items: all,
          columns: [
            { title: 'secret', of: ({ vault, secret }) => `${vault}/${secret}`, isWhole: true },
            { title: 'kind', of: ({ kind }) => kind },
            { title: 'target', of: ({ target }) => shortTarget(target) },
            { title: 'by', of: ({ by }) => by },
            { title: 'missing', of: ({ missing }) => missing.join('; ') },
          ],
          empty:
            how === 'off'
              ? 'KEYTURN_SUGGEST is off: no value was looked at.'
              : 'Nothing is suggested.',
        }),
      ],
      said: all.map(tagged),
    });
    return 'done';
  },
};
