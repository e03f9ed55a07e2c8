/** The sinks: one function for each kind that the settings know. */
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../core/clock.ts';
import type { NotifySink } from '../core/notify.ts';
import type { Notice } from '../ports/notices.ts';
import { slackBody, teamsBody } from './bodies.ts';
import { eventOf } from './cloudEvent.ts';
import { NotTaken } from './notTaken.ts';
import { post } from './post.ts';
import { wordsOf } from './words.ts';

/** Gives one notice to one receiver; throws `NotTaken`. */
export type SendNotice = (notice: Notice) => Promise<void>;

export interface Reach {
  readonly clock: Clock;
  readonly publicUrl: string | undefined;
  /** Sends to a topic of Event Grid, with the identity of the app. */
  readonly topic: (endpoint: string) => SendNotice;
}

export function senderOf(sink: NotifySink, reach: Reach): SendNotice {
  const { publicUrl, clock } = reach;
  switch (sink.kind) {
    case 'eventgrid':
      return reach.topic(sink.endpoint);
    case 'teams':
      return (notice) =>
        post({ ...sink, body: JSON.stringify(teamsBody(wordsOf(notice, publicUrl))) });
    case 'slack':
      return (notice) =>
        post({ ...sink, body: JSON.stringify(slackBody(wordsOf(notice, publicUrl))) });
    case 'webhook':
      return (notice) => {
        const body = JSON.stringify(eventOf(notice, publicUrl));
        const on = clock.now();
        // Two keys while the receiver changes from one to the other. Signed anew at each try: receivers refuse old ones.
        const signature = sink.keys
          .map((key) => new Webhook(key.reveal()).sign(notice.id, on, body))
          .join(' ');
        const headers = {
          'content-type': 'application/cloudevents+json; charset=utf-8',
          'webhook-id': notice.id,
          'webhook-timestamp': String(Math.floor(on.getTime() / 1000)),
          'webhook-signature': signature,
        };
        return post({ ...sink, headers, body });
      };
    case 'unresolved':
      return () =>
        Promise.reject(new NotTaken(`the Key Vault reference in ${sink.setting} is not resolved`));
  }
}
