/** `who`: who reads a secret, where each names it, and whether they have followed the last rotation. */
import type { z } from 'zod';
import type { ConsumersBody } from '../../src/api/consumersBody.ts';
import { secretIn } from '../session/session.ts';
import { colourOf } from '../show/colour.ts';
import { minute } from '../show/print.ts';
import { table } from '../show/table.ts';
import { type CommandSpec, SECRET_ARG } from '../spec.ts';
import { shortTarget } from './list.ts';

type Consumers = z.infer<typeof ConsumersBody>;
type Consumer = Consumers['consumers'][number];

export const who: CommandSpec = {
  name: 'who',
  summary: 'who reads a secret, as their owners declare it, and whether they have followed',
  more: 'It shows what the tag `keyturn-consumes` declares; who reads the vault without it is in the logs of the vault.',
  args: [SECRET_ARG],
  examples: ['keyturn who kv-shop/orders-storage'],
  async run({ session, asked, print }) {
    const { body } = await session.api.call<Consumers>('consumers', {
      path: { ...secretIn(asked.args[0] ?? '') },
    });
    print({
      body,
      items: body.consumers,
      tables: [
        table<Consumer>({
          items: body.consumers,
          columns: [
            { title: 'consumer', of: ({ id }) => shortTarget(id) },
            { title: 'kind', of: ({ kind }) => kind },
            {
              title: 'state',
              of: stateOf,
              colour: (each) => colourOf(stateOf(each) ?? ''),
              isWhole: true,
            },
            { title: 'follows', of: followsOf },
            { title: 'named in', of: ({ references }) => references.map(nameOf).join(', ') },
            { title: 'called', of: ({ last }) => minute(last?.calledOn), isWhole: true },
            {
              title: 'next',
              of: ({ last, opensOn }) => minute(last?.nextOn ?? opensOn),
              isWhole: true,
            },
            { title: 'why', of: ({ detail, last }) => detail ?? last?.detail },
          ],
          empty: body.asked
            ? 'Nobody declares that it reads this secret.'
            : 'It is not known who reads this secret.',
        }),
      ],
      ...(body.detail === undefined ? {} : { said: [body.detail] }),
    });
    return 'done';
  },
};

const stateOf = ({ last }: Consumer): string | undefined => last?.state;
const nameOf = ({ name, pinnedTo }: Consumer['references'][number]): string =>
  pinnedTo === undefined ? name : `${name} (pinned to ${pinnedTo.slice(0, 8)})`;

function followsOf({ follows, cycleMinutes, restarts }: Consumer): string {
  if (follows === 'by-itself')
    return `by itself${cycleMinutes === undefined ? '' : ` in ${cycleMinutes} min`}`;
  if (follows === 'unknown') return 'nobody knows';
  return restarts ? 'when called, by a restart' : 'when called';
}
