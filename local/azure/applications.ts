/** App registrations and their passwords: Graph changes them, Entra lets them in. */
import { randomBytes } from 'node:crypto';
import { now } from '../clock.ts';
import { newId } from './exchange.ts';
import type { Principal } from './principals.ts';

export interface Password {
  keyId: string;
  displayName: string | null;
  startDateTime: string;
  endDateTime: string;
  hint: string;
  secretText: string;
}

const DEFAULT_YEARS = 2; // Microsoft: application-addpassword, "If not provided, the default is two years"

export class Application {
  readonly objectId = newId();
  readonly appId: string;
  readonly displayName: string;
  readonly principal: Principal;
  /** Object ids of the service principals that own it. */
  readonly owners = new Set<string>();
  tags: string[] = [];
  passwords: Password[] = [];

  constructor(displayName: string, graphRoles: string[] = []) {
    this.displayName = displayName;
    this.appId = newId();
    this.principal = { oid: newId(), clientId: this.appId, displayName, graphRoles };
  }

  addPassword({ displayName, endDateTime }: { displayName?: string; endDateTime?: string } = {}): Password {
    const start = new Date(now());
    const end = endDateTime === undefined ? new Date(start) : new Date(endDateTime);
    if (endDateTime === undefined) end.setUTCFullYear(end.getUTCFullYear() + DEFAULT_YEARS);
    const secretText = randomBytes(30).toString('base64url');
    const password = {
      keyId: newId(),
      displayName: displayName ?? null,
      startDateTime: start.toISOString(),
      endDateTime: end.toISOString(),
      hint: secretText.slice(0, 3),
      secretText,
    };
    this.passwords.push(password);
    return password;
  }

  /** False where there is no such password. */
  removePassword(keyId: string): boolean {
    const before = this.passwords.length;
    this.passwords = this.passwords.filter((password) => password.keyId !== keyId);
    return this.passwords.length < before;
  }

  /** What Entra thinks of a client secret at this moment of the movable clock. */
  judge(secret: string): 'accepted' | 'wrong' | 'expired' {
    const found = this.passwords.find(({ secretText }) => secretText === secret);
    if (!found) return 'wrong';
    return Date.parse(found.endDateTime) > now() ? 'accepted' : 'expired';
  }
}
