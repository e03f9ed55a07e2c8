/** `hold` and `resume`: nothing is rotated or revoked for a while, and that again. */
import { usage } from '../failure.ts';
import { type CommandSpec, FOLLOW_OPTIONS, REQUEST_OPTIONS, SECRET_ARG } from '../spec.ts';
import { timeIn } from '../times.ts';
import { request } from './operations.ts';

export const hold: CommandSpec = {
  name: 'hold',
  summary: 'rotate and revoke nothing of a secret until a time; proof, heals and alerts go on',
  args: [SECRET_ARG],
  options: [
    { flags: '--until <when>', says: 'as 7d, a day (its end) or a time' },
    ...REQUEST_OPTIONS,
    ...FOLLOW_OPTIONS,
  ],
  examples: ['keyturn hold kv-shop/orders-storage --until 7d --note "release weekend"'],
  async run(run) {
    const until = run.asked.text('until');
    if (until === undefined) throw usage('A hold needs --until.');
    return await request(run, 'hold', { until: timeIn('until', until, await run.session.now()).toISOString() });
  },
};

export const resume: CommandSpec = {
  name: 'resume',
  summary: 'end a hold',
  args: [SECRET_ARG],
  options: [...REQUEST_OPTIONS, ...FOLLOW_OPTIONS],
  examples: ['keyturn resume kv-shop/orders-storage'],
  run: async (run) => request(run, 'hold', { until: null }),
};
