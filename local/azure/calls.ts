/** The log of every request that reached the stand-in. */
import { now } from '../clock.ts';

export interface LoggedCall {
  at: Date;
  /** The route's name; `plane.challenge` for a call that was asked for a token, `plane.unrouted` for an unknown path. */
  route: string;
  method: string;
  host: string;
  path: string;
  /** Object id of the caller. */
  principal: string | undefined;
  /** 0 where the socket was destroyed instead of an answer. */
  status: number;
  /** The route changes a vault or a target, whatever was answered. */
  write: boolean;
  /** The change was made, whatever was answered. */
  applied: boolean;
  /** The action that the caller needed, as RBAC spells it. */
  action: string;
}

/** Adds a call to the log and returns the entry, which is completed while the call is served. */
export function openCall(
  log: LoggedCall[],
  entry: Omit<LoggedCall, 'at' | 'status' | 'applied'>,
): LoggedCall {
  const call = { ...entry, at: new Date(now()), status: 0, applied: false };
  log.push(call);
  return call;
}
