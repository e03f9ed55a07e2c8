/** App registrations and their passwords: Graph changes them, Entra lets them in, and neither knows at once what the other does. */
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

export interface NewPassword {
  displayName?: string;
  endDateTime?: string;
}

const DEFAULT_YEARS = 2; // Microsoft: application-addpassword, "If not provided, the default is two years"
/** keyCredential, displayName: "maximum length of 90 characters. Longer values are accepted but shortened"; taken for passwords, too. */
const NAME_MAX = 90;
/** How long a scripted answer may be about a secret that was added (the product looks for ten minutes, case GR-01). */
const FRESH_MS = 15 * 60_000;

const STALE_MS = 60_000;

/** A password of Graph's making, as far as the rest of the directory has heard of it. */
interface Spread {
  readonly from: number;
  asked: number;
}

export class Application {
  readonly objectId = newId();
  readonly appId: string;
  readonly displayName: string;
  readonly principal: Principal;
  /** Object ids of the service principals that own it. */
  readonly owners = new Set<string>();
  tags: string[] = [];
  passwords: Password[] = [];
  /** At the service principal. That Entra takes them for a token is unverified, so it does not (azure-facts 6). */
  principalPasswords: Password[] = [];
  /** All that ever were, and those that Graph removed: for tests. */
  readonly everAdded: Password[] = [];
  readonly removedOverGraph: Password[] = [];
  signInAudience = 'AzureADMyOrg';
  /** The tenant's app management policy: longest life in days, or no passwords at all. */
  policy: { readonly maxDays?: number; readonly forbidden?: boolean } = {};
  /** Entra flickers for so many seconds after Graph added a password (4 to 18 seen: azure-facts 6), and goes on after a removal. */
  spreading = { addSeconds: 4, removeSeconds: 2 };
  /** So many reads within a minute after a change still show the list as it was before. */
  staleReads = 1;
  /** Two changes within so many seconds: the second one is refused. Off by default: it is seen often, but not always. */
  concurrencySeconds = 0;
  /** The next passwords have these texts, for tests of hints that collide. */
  readonly nextSecrets: string[] = [];
  /** Scripted answers of Entra to passwords that Graph has just added, in place of the flicker. */
  readonly freshAnswers: (200 | 401)[] = [];
  readonly #spread = new Map<string, Spread>();
  readonly #removed = new Map<string, number>();
  #shown: { readonly passwords: readonly Password[]; reads: number } | undefined;
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(displayName: string, graphRoles: string[] = []) {
    this.displayName = displayName;
    this.appId = newId();
    this.principal = { oid: newId(), clientId: this.appId, displayName, graphRoles };
  }

  /** A password that has been there for long: Entra knows it. */
  addPassword({ displayName, endDateTime }: NewPassword = {}): Password {
    const start = new Date(now());
    const end = endDateTime === undefined ? new Date(start) : new Date(endDateTime);
    if (endDateTime === undefined) end.setUTCFullYear(end.getUTCFullYear() + DEFAULT_YEARS);
    const secretText = this.nextSecrets.shift() ?? randomBytes(30).toString('base64url');
    const password = {
      keyId: newId(),
      displayName: displayName?.slice(0, NAME_MAX) ?? null,
      startDateTime: start.toISOString(),
      endDateTime: end.toISOString(),
      hint: secretText.slice(0, 3),
      secretText,
    };
    this.passwords = [...this.passwords, password];
    this.everAdded.push(password);
    return password;
  }

  addPrincipalPassword(asked: NewPassword = {}): Password {
    const before = this.passwords;
    const added = this.addPassword(asked);
    this.passwords = before;
    this.principalPasswords = [...this.principalPasswords, added];
    return added;
  }

  /** False where there is no such password. */
  removePassword(keyId: string): boolean {
    const before = this.passwords.length;
    this.passwords = this.passwords.filter((password) => password.keyId !== keyId);
    return this.passwords.length < before;
  }

  /** What Graph does: the change is real at once, lists and Entra hear of it later. */
  addOverGraph(asked: NewPassword): Password {
    const added = this.#change(() => this.addPassword(asked));
    this.#spread.set(added.keyId, { from: now(), asked: 0 });
    return added;
  }

  removeOverGraph(keyId: string): boolean {
    const gone = this.passwords.find((password) => password.keyId === keyId);
    if (!gone) return false;
    this.#change(() => this.removePassword(keyId));
    this.removedOverGraph.push(gone);
    this.#removed.set(gone.secretText, now() + this.spreading.removeSeconds * 1000);
    return true;
  }

  #change<T>(run: () => T): T {
    const before = this.passwords;
    const result = run();
    this.#changedAt = now();
    this.#shown = { passwords: before, reads: this.staleReads };
    return result;
  }

  /** A change came so short a time ago that another one is refused. */
  get isBusy(): boolean {
    return now() < this.#changedAt + this.concurrencySeconds * 1000;
  }

  /** The passwords as a read of Graph shows them now. */
  listed(): readonly Password[] {
    const old = now() > this.#changedAt + STALE_MS;
    if (old || this.#shown === undefined || this.#shown.reads <= 0) return this.passwords;
    this.#shown.reads -= 1;
    return this.#shown.passwords;
  }

  /** What Entra thinks of a client secret at this moment of the movable clock. */
  judge(secret: string): 'accepted' | 'wrong' | 'expired' {
    const found = this.passwords.find(({ secretText }) => secretText === secret);
    if (!found) return now() < (this.#removed.get(secret) ?? 0) ? 'accepted' : 'wrong';
    if (Date.parse(found.endDateTime) <= now()) return 'expired';
    return this.#hasHeardOf(found) ? 'accepted' : 'wrong';
  }

  #hasHeardOf({ keyId }: Password): boolean {
    const spread = this.#spread.get(keyId);
    if (!spread) return true;
    const age = now() - spread.from;
    const scripted = age < FRESH_MS ? this.freshAnswers.shift() : undefined;
    if (scripted !== undefined) return scripted === 200;
    const span = this.spreading.addSeconds * 1000;
    if (age >= span) return true;
    // First nowhere, then by turns, as requests meet one replica or another.
    spread.asked += 1;
    return age >= span / 2 && spread.asked % 2 === 0;
  }

  /** What Entra accepts once everything has spread. */
  accepts(secret: string): boolean {
    return this.passwords.some(
      ({ secretText, endDateTime }) => secretText === secret && Date.parse(endDateTime) > now(),
    );
  }
}
