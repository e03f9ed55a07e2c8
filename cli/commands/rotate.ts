/** `rotate`, `plan` and `revoke`: what a person may ask of one secret. */
import { usage } from '../failure.ts';
import {
  type CommandSpec,
  FOLLOW_OPTIONS,
  type OptionSpec,
  REQUEST_OPTIONS,
  type Run,
  SECRET_ARG,
} from '../spec.ts';
import { timeIn } from '../times.ts';
import { request } from './operations.ts';

const OVERRIDE: OptionSpec = {
  flags: '--override <reason>',
  says: 'set this reason aside (Keyturn.Revoke)',
  isList: true,
};
const TERMS: readonly OptionSpec[] = [
  {
    flags: '--revoke <when>',
    says: 'when the credential that is replaced ends: after-grace, now, or a time as 12h or 7d',
  },
  {
    flags: '--again',
    says: 'revoke what is owed first, and rotate also what was only just rotated (Keyturn.Revoke)',
  },
  OVERRIDE,
];

const termsOf = ({ asked }: Run) => ({
  ...(asked.text('revoke') === undefined ? {} : { revoke: asked.text('revoke') }),
  ...(asked.is('again') ? { rotateAgain: true } : {}),
  ...overrideOf(asked),
});
const overrideOf = (asked: Run['asked']) =>
  asked.list('override').length === 0 ? {} : { override: asked.list('override') };

export const rotate: CommandSpec = {
  name: 'rotate',
  summary: 'ask for a rotation now',
  args: [SECRET_ARG],
  options: [...TERMS, ...REQUEST_OPTIONS, ...FOLLOW_OPTIONS],
  examples: ['keyturn rotate kv-shop/orders-storage --ticket CHG-4711 --wait'],
  run: async (run) => request(run, 'rotate', termsOf(run)),
};

export const plan: CommandSpec = {
  name: 'plan',
  summary: 'what a rotation now would do, every step and check of it; changes nothing',
  args: [SECRET_ARG],
  options: TERMS,
  examples: ['keyturn plan kv-shop/orders-storage'],
  run: async (run) => request(run, 'rotate', termsOf(run), true),
};

export const revoke: CommandSpec = {
  name: 'revoke',
  summary: 'end or move the grace of what is owed; never rotates',
  args: [SECRET_ARG],
  options: [
    { flags: '--at <when>', says: 'now (without it, too), or a time' },
    OVERRIDE,
    ...REQUEST_OPTIONS,
    ...FOLLOW_OPTIONS,
  ],
  examples: [
    'keyturn revoke kv-shop/orders-storage --at now --note "seen in a log" --ticket INC-4711',
  ],
  async run(run) {
    const { asked, session } = run;
    const at = asked.text('at') ?? 'now';
    const on = at === 'now' ? at : timeIn('at', at, await session.now()).toISOString();
    return await request(run, 'revoke', { at: on, ...overrideOf(asked) });
  },
};

export const undo: CommandSpec = {
  name: 'undo',
  summary:
    'go back to the credential before the current one, while it still works; the secret is held for 7 days',
  args: [SECRET_ARG],
  options: [...REQUEST_OPTIONS, ...FOLLOW_OPTIONS],
  examples: [
    'keyturn undo kv-shop/orders-storage --note "orders-api rejects it" --ticket INC-4711 --wait',
  ],
  run: async (run) => request(run, 'undo', {}),
};

export const leaked: CommandSpec = {
  name: 'leaked',
  summary:
    'a credential is in wrong hands: replace, prove and end it at once, in every secret that keeps it',
  more: 'It takes Keyturn.Revoke. It is done when the target has refused the old value. Windows, holds and brakes do not stop it.',
  args: [SECRET_ARG],
  options: [
    { flags: '--both', says: 'the other slot leaked, too' },
    ...REQUEST_OPTIONS,
    ...FOLLOW_OPTIONS,
  ],
  examples: [
    'keyturn leaked kv-shop/orders-storage --note "seen in a build log" --ticket INC-4711 --wait',
  ],
  async run(run) {
    const { asked } = run;
    if (asked.text('note') === undefined || asked.text('ticket') === undefined)
      throw usage('A leak needs --note and --ticket.');
    return await request(run, 'leaked', asked.is('both') ? { both: true } : {});
  },
};
