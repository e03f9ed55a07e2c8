/** Messages for people: an Adaptive Card for Teams, blocks for Slack. Text of strangers stands where no markup is read. */
import { cut } from '../core/plain.ts';
import type { Words } from './words.ts';

/** The action that posts a card takes about 28 KB, an older one 21 (facts F5.1). */
const CARD_BYTES_MAX = 20_000;

const run = (text: string, bold = false) => ({
  type: 'TextRun',
  text,
  ...(bold ? { weight: 'Bolder' } : {}),
});
const line = (...inlines: readonly object[]) => ({ type: 'RichTextBlock', inlines });

/**
 * The message that a Workflows webhook takes. Runs of text take no Markdown, unlike text blocks and facts, so that a name cannot
 * make a link.
 */
export function teamsBody({ title, text, facts, links }: Words): object {
  const card = (paragraphs: readonly string[]) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            line({ ...run(title, true), size: 'Large' }),
            ...paragraphs.map((each) => line(run(each))),
            ...facts.map(([label, value]) => line(run(`${label}: `, true), run(value))),
          ],
          ...(links.length > 0
            ? {
                actions: links.map(({ title: name, url }) => ({
                  type: 'Action.OpenUrl',
                  title: name,
                  url,
                })),
              }
            : {}),
        },
      },
    ],
  });
  const whole = card(text);
  if (Buffer.byteLength(JSON.stringify(whole)) <= CARD_BYTES_MAX) return whole;
  return card(text.map((each) => cut(each, 500)));
}

const plain = (text: string, max: number) => ({
  type: 'plain_text' as const,
  text: cut(text, max),
  emoji: false,
});
/** Limits of `@slack/types`. */
const HEADER_MAX = 150;
const SECTION_MAX = 3_000;
const FIELDS_MAX = 10;
const FIELD_MAX = 2_000;

/** The message that a Slack webhook takes: its texts are plain, but the one for notifications, which is escaped. */
export function slackBody({ title, text, facts, links }: Words) {
  const fields = facts.map(([label, value]) => plain(`${label}: ${value}`, FIELD_MAX));
  const rows = Array.from({ length: Math.ceil(fields.length / FIELDS_MAX) }, (_, at) =>
    fields.slice(at * FIELDS_MAX, (at + 1) * FIELDS_MAX),
  );
  return {
    text: title.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    blocks: [
      { type: 'header' as const, text: plain(title, HEADER_MAX) },
      ...text.map((each) => ({ type: 'section' as const, text: plain(each, SECTION_MAX) })),
      ...rows.map((row) => ({ type: 'section' as const, fields: row })),
      ...(links.length > 0
        ? [
            {
              type: 'actions' as const,
              elements: links.map(({ title: name, url }) => ({
                type: 'button' as const,
                text: plain(name, 75),
                url,
              })),
            },
          ]
        : []),
    ],
  };
}
