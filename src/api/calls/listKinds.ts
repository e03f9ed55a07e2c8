/** `GET /api/kinds`: the kinds of targets that this instance knows, for whoever writes the tags of a secret. */
import { z } from 'zod';
import { guarded } from '../call.ts';
import { schemaOf } from '../openapiDocument.ts';
import { answer } from '../problem.ts';

const words = z.array(z.string());

export const KindsBody = z.strictObject({
  kinds: z.array(
    z.strictObject({
      kind: z.string().describe('The value of the tag `rotator`.'),
      enabled: z.boolean().describe('Whether this instance rotates it, by its settings.'),
      overlap: z
        .enum(['two-slots', 'many', 'none'])
        .describe(
          'Of the old credential: with `none` it ends at once, else it works until the grace is over.',
        ),
      options: z
        .record(z.string(), z.unknown())
        .describe('JSON schema of what the tag `rotator-options` may hold.'),
      rights: z
        .strictObject({
          actions: words,
          dataActions: words.optional(),
          graph: words.optional(),
          database: words.optional(),
        })
        .describe('What the identity needs at a target, by who gives it.'),
    }),
  ),
});

export const listKinds = guarded({
  name: 'kinds',
  method: 'GET',
  path: 'kinds',
  summary: 'The kinds of targets, with their options and the rights that they need',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  answers: {
    200: { description: 'By their names.', body: { name: 'KindsBody', schema: KindsBody } },
  },
  async run({ rotators, config }) {
    const kinds = rotators.types.flatMap((type) => {
      const rotator = rotators.get(type);
      if (!rotator) return [];
      const { overlap, options } = rotator;
      const { notes: _, ...rights } = rotator.rights;
      return [
        {
          kind: type,
          enabled: config.enabled.includes(type),
          overlap,
          options: schemaOf(options),
          rights,
        },
      ];
    });
    return answer(200, { kinds });
  },
});
