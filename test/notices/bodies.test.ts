/** What people are sent: cards that the library of Adaptive Cards takes without a finding, and blocks that Slack's types take. */
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import type { KnownBlock } from '@slack/types';
import type * as Cards from 'adaptivecards';
import { NOTICE_TYPES, severityOf } from '../../src/core/noticeTypes.ts';
import { slackBody, teamsBody } from '../../src/notices/bodies.ts';
import { eventOf } from '../../src/notices/cloudEvent.ts';
import { wordsOf } from '../../src/notices/words.ts';
import type { Notice } from '../../src/ports/notices.ts';

// Its main entry fails in Node; the bundle for browsers loads (measured).
const { AdaptiveCard, SerializationContext, Version } = createRequire(import.meta.url)(
  'adaptivecards/dist/adaptivecards.js',
) as typeof Cards;

const PUBLIC = 'https://keyturn.example.com';
const HOSTILE =
  '[click](https://evil.example) *bold* <https://evil.example|here> <!channel> & `code` </at>';
const notice = (type: Notice['type'], more: Partial<Notice> = {}): Notice => ({
  id: '5f0c3a52-6f0e-8a11-9d3b-0a1b2c3d4e5f',
  ...{
    type,
    severity: severityOf[type],
    on: new Date('2027-01-05T10:00:00Z'),
    instance: 'keyturn',
  },
  ...{
    vault: 'kv-shop',
    name: 'orders-storage',
    reason: 'no-consent',
    by: 'target owner',
    owner: HOSTILE,
  },
  ...{ detail: HOSTILE, remedy: 'Set the description.\nThen wait.', kind: 'storage-account-key' },
  ...{
    target: `/subscriptions/11111111-2222-4333-8444-555555555555/${'x'.repeat(900)}`,
    handle: 'key2',
  },
  ...{
    dueOn: new Date('2027-02-01T00:00:00Z'),
    expiresOn: new Date('2027-03-01T00:00:00Z'),
    ...more,
  },
});
const LONG = { detail: 'ü'.repeat(1000), remedy: 'ß'.repeat(1000), consumer: '…'.repeat(1000) };
const MANY = {
  name: '*',
  count: 4711,
  names: Array.from({ length: 10 }, (_, at) => `secret-${at}`),
};
const cases: [string, Notice][] = [
  ...NOTICE_TYPES.map((type): [string, Notice] => [type, notice(type)]),
  ['long texts', notice('failed', LONG)],
  ['many as one', notice('refused', MANY)],
  [
    'nothing but what there must be',
    { ...notice('freeze'), vault: '*', name: '*', reason: undefined, owner: undefined },
  ],
];

interface Card {
  readonly attachments: readonly { readonly contentType: string; readonly content: object }[];
}
/** Every text of a card, with the element that it stands in. */
function textsIn(element: unknown): { readonly type: string; readonly text: string }[] {
  if (Array.isArray(element)) return element.flatMap(textsIn);
  if (typeof element !== 'object' || element === null) return [];
  const { type, text } = element as { type?: unknown; text?: unknown };
  const own = typeof text === 'string' ? [{ type: String(type), text }] : [];
  return [...own, ...Object.values(element).flatMap(textsIn)];
}

describe.each(cases)('of %s', (_, given) => {
  const words = wordsOf(given, PUBLIC);

  it('the card is one for Teams, without a finding, below 20 KB', () => {
    const body = teamsBody(words) as Card;
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(20_000);
    const [{ contentType, content } = { contentType: '', content: {} }] = body.attachments;
    expect(contentType).toBe('application/vnd.microsoft.card.adaptive');
    const context = new SerializationContext(new Version(1, 4));
    const card = new AdaptiveCard();
    card.parse(content, context);
    expect(
      Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message),
    ).toEqual([]);
    expect(card.validateProperties().validationEvents.map(({ message }) => message)).toEqual([]);
    expect(card.getItemCount()).toBeGreaterThan(3);
  });

  it('the text of strangers stands where no Markdown is read', () => {
    for (const { type, text } of textsIn(teamsBody(words)))
      if (/evil\.example/.test(text)) expect(type).toBe('TextRun');
    for (const { type, text } of textsIn(slackBody(words).blocks))
      if (/evil\.example|!channel/.test(text)) expect(type).toBe('plain_text');
    expect(slackBody(wordsOf({ ...given, name: 'a', vault: 'b' }, PUBLIC)).text).not.toMatch(
      /[<>]/,
    );
  });

  it('the blocks are some that Slack takes', () => {
    const { text, blocks } = slackBody(words);
    // The compiler checks it: a block that is none does not fit.
    const typed: readonly KnownBlock[] = blocks;
    expect(text).not.toBe('');
    expect(typed.length).toBeLessThanOrEqual(50);
    for (const block of blocks) {
      if (block.type === 'header') expect(block.text.text.length).toBeLessThanOrEqual(150);
      if (block.type === 'section' && 'text' in block)
        expect(block.text.text.length).toBeLessThanOrEqual(3_000);
      if (block.type === 'section' && 'fields' in block) {
        expect(block.fields.length).toBeLessThanOrEqual(10);
        for (const field of block.fields) expect(field.text.length).toBeLessThanOrEqual(2_000);
      }
      if (block.type === 'actions')
        for (const { url } of block.elements) expect(url.length).toBeLessThan(3_000);
    }
  });

  it('the event has its members and no others, below 20 KB', () => {
    const event = eventOf(given, PUBLIC);
    expect(event.id).toBe(given.id);
    expect(event.type).toMatch(/^keyturn\.secret\.[a-z_]+\.v1$/);
    expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(20_000);
  });
});
