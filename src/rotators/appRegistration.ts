/** `app-registration`: the client secrets of an application in Entra ID, added and removed over Microsoft Graph. */
import { z } from 'zod';
import { type Clock, minutesBetween } from '../core/clock.ts';
import { commandLine } from '../core/commandLine.ts';
import {
  credentialLabel,
  isCredentialLabel,
  notTheAppId,
  rotationInLabel,
} from '../core/credentialLabel.ts';
import { AbsentError, BusyError, KeyturnError } from '../core/errors.ts';
import type { Handle, RotationId, SecretRef } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { RightCheck } from '../core/rightChecks.ts';
import { Secret } from '../core/secret.ts';
import type {
  Credential,
  Labelled,
  Manifest,
  Parameters,
  Rotator,
  Said,
  Stay,
  Target,
  TargetFacts,
  Verdict,
} from '../ports/rotator.ts';
import {
  type AppCredential,
  type AppFacts,
  type AppPasswords,
  appPasswords,
  type GraphApi,
} from '../targets/appPasswords.ts';
import { type ClientSecretProbe, hintOf } from '../targets/clientSecrets.ts';
import { parseOptions } from './kit/options.ts';

export interface AppRegistrationOptions {
  readonly graph: GraphApi;
  readonly probe: ClientSecretProbe;
  readonly clock: Clock;
}

const Options = z.strictObject({
  'revoke-adopted': z
    .literal('true', { error: 'expected `true`' })
    .optional()
    .describe(
      '`true`: the client secret that a person made and the first rotation replaced is removed after the grace, too.',
    ),
});

/** Grants the permission, and makes the identity an owner. */
const graphScript = (oid: string, appId: string): string =>
  commandLine('infra/scripts/graph.sh', '--principal-id', oid, '--app', appId);

const OWNED_BY = 'Application.ReadWrite.OwnedBy';

/** Of what Graph makes (azure-facts 6). */
const SECRET_TEXT_MAX = 64;

export const appRegistrationManifest: Manifest = {
  type: 'app-registration',
  title: 'App registration, client secret',
  overlap: 'many',
  longest: SECRET_TEXT_MAX,
  rights: { actions: [], graph: [OWNED_BY] },
  remedies: {
    'target-forbidden': {
      remedy:
        "Make Keyturn's identity an owner of the application, and give it the application permission Application.ReadWrite.OwnedBy of Microsoft Graph: infra/scripts/graph.sh does both. A token keeps for up to a day what it was issued with.",
    },
    unproved: {
      remedy:
        'Mend what keeps the application from getting a token; its client secrets go on rotating meanwhile.',
    },
    'no-consent': { remedy: 'Add `<consent>` to the tags of the application.' },
  },
  options: Options,
  form: { kind: 'bare' },
};

/** The rotator over the two ports; it remembers for an hour what it changed, to be patient with it. */
export function appRegistration(deps: AppRegistrationOptions): Rotator {
  const tools: Tools = { ...deps, passwords: appPasswords(deps) };
  return {
    ...appRegistrationManifest,
    bind({ target, options, secret }: Parameters) {
      const appId = z.guid().toLowerCase().safeParse(target);
      if (!appId.success) {
        const detail = `The tag rotator-target is ${quote(target)}; expected the application (client) id, a GUID.`;
        throw new KeyturnError('bad-tags', { detail });
      }
      return new AppRegistration(
        { appId: appId.data, secret, ...parseOptions(Options, options) },
        tools,
      );
    },
  };
}

/** Judgements (azure-facts 6, case GR-01): a fresh secret flickers for minutes. */
const FRESH_MINUTES = 10;
const SUCCESSES = 3;
const TRIES = 5;

/** Wrong, all expired, no such application: what Entra also says of a secret that it has not heard of yet (azure-facts 6). */
const SPREADING: readonly number[] = [7000215, 7000222, 700016];
/** Those of them that are about the secret. Others (no such tenant, conditional access: 90002, 900023, 7000112, 53003) are not. */
const REFUSED: readonly number[] = [7000215, 7000222];

/**
 * Who can mend what keeps every client secret of an application from getting a token. 7000229: reported
 * (gh:MicrosoftDocs/azure-docs#105962); 7000112, 53003, 5000225, 90002, 900023: from their names in Microsoft's list of
 * codes, their wording to a client secret is unverified. Others are named by their number alone.
 */
const MENDED: { readonly [aadsts: number]: string } = {
  7000229:
    'the application has no service principal in this tenant, which its owner or an administrator makes',
  7000112:
    'the application is switched off in this tenant, which an administrator of the tenant can undo',
  700016: 'this tenant does not know the application, which its owner can look into',
  53003: 'conditional access blocks it, which whoever keeps the policies of the tenant can change',
  5000225: 'the tenant is blocked, which an administrator of the tenant can have undone',
  90002: 'Entra knows no such tenant, which the operator can look into (KEYTURN_TENANT_ID)',
  900023: 'Entra takes this for no tenant, which the operator can look into (KEYTURN_TENANT_ID)',
};
const BY_NUMBER =
  'an administrator of the tenant finds the reason by this number, in the sign-in log of the service principal';

interface Tools extends AppRegistrationOptions {
  readonly passwords: AppPasswords;
}

interface AppParameters {
  readonly appId: string;
  readonly secret: SecretRef;
  readonly 'revoke-adopted'?: 'true' | undefined;
}

class AppRegistration implements Target {
  readonly id: string;
  readonly owners: readonly string[];
  readonly #secret: SecretRef;
  readonly #revokesAdopted: boolean;
  readonly #deps: Tools;
  /** What this pass issued, and how often in a row Entra has taken it. */
  #issued: { readonly value: Secret; successes: number } | undefined;
  /** Entra's number for the value that was asked about last, where it says nothing of the value. */
  #doubt: number | undefined;
  /** What a value is that no client secret of the application is. */
  #mistaken: Said | undefined;

  constructor(bound: AppParameters, deps: Tools) {
    this.id = bound.appId;
    this.owners = [this.id];
    this.#secret = bound.secret;
    this.#revokesAdopted = bound['revoke-adopted'] === 'true';
    this.#deps = deps;
  }

  async inspect(): Promise<TargetFacts> {
    const { credentials } = await this.#read().catch((error: unknown) => this.#absent(error));
    const ours = new Set(this.#labelled(credentials).map(({ handle }) => handle));
    const others = credentials.filter(({ keyId }) => !ours.has(keyId));
    // With the option only what a version of this secret names can be owed at all; `revoke` makes sure of it.
    const personal = others.filter(
      ({ displayName }) => !this.#revokesAdopted || isCredentialLabel(displayName),
    );
    return {
      handles: credentials.map(({ keyId }) => keyId),
      obstacles: [],
      hosts: [],
      labelled: this.#labelled(credentials),
      personal: personal.map(({ keyId }) => keyId),
      notes: others.map(noteOn),
    };
  }

  async rights(): Promise<readonly RightCheck[]> {
    const what = `changing the client secrets of the application ${this.id}`;
    const { permissions, oid, owners, more, issuedOn } = await this.#deps.graph.standing(this.id);
    if (permissions.includes('Application.ReadWrite.All')) return [{ what, state: 'ok' }];
    if (!permissions.includes(OWNED_BY)) {
      const detail = `${OWNED_BY} is not in the token, which was issued on ${issuedOn.toISOString()}.`;
      const own = oid === undefined ? {} : { command: graphScript(oid, this.id) };
      return [{ what, state: 'problem', reason: 'graph-permission', detail, ...own }];
    }
    if (oid !== undefined && owners.includes(oid)) return [{ what, state: 'ok' }];
    if (oid === undefined || more)
      return [{ what, state: 'cannot tell', detail: 'Not all owners were shown.' }];
    const detail = `Keyturn's identity is no owner of the application ${this.id}.`;
    const command = commandLine(
      'az',
      'ad',
      'app',
      'owner',
      'add',
      '--id',
      this.id,
      '--owner-object-id',
      oid,
    );
    return [{ what, state: 'problem', reason: 'target-forbidden', detail, command }];
  }

  async adopt(value: Secret): Promise<Handle | undefined> {
    this.#mistaken = undefined;
    const added = this.#deps.passwords.added(value);
    // For certain, also where a list does not show it yet; what somebody removed since, `check` finds refused.
    if (added && this.#isYoung(added.on)) return added.keyId;
    const facts = await this.#read();
    const found = this.#named(facts, value);
    if (!found) this.#mistaken = await this.#mistakeIn(value, facts);
    if (!found || this.#isOurs(found)) return found?.keyId;
    // Three characters name nothing for certain: what a person made is named where it also gets a token (case GR-10).
    return (await this.check(value)) === 'refused' ? undefined : found.keyId;
  }

  async issue(
    rotation: RotationId,
    keep: readonly Handle[],
    until: Date,
    stay: Stay,
  ): Promise<Credential> {
    const { passwords } = this.#deps;
    const madeFor = ({ credentials }: AppFacts) =>
      this.#labelled(credentials).filter(
        (each) => each.rotation === rotation && !keep.includes(each.handle),
      );
    /** What any list has shown of this rotation: the next one may come from a directory that has not heard of it yet. */
    const seen = new Set<Handle>();
    const noted = (facts: AppFacts) => {
      const made = madeFor(facts);
      for (const { handle } of made) seen.add(handle);
      return made.length > 0;
    };
    const asked = {
      displayName: credentialLabel(this.#secret, rotation),
      endsOn: until,
      applied: noted,
    };
    let failure: KeyturnError | undefined;
    for (let turn = 1; turn <= TRIES; turn += 1) {
      const { objectId, credentials } = await this.#read();
      noted({ objectId, credentials });
      // What an earlier try of this rotation made goes first, since nobody has its text any more (case GR-02).
      const made = [...seen];
      for (const keyId of made) await passwords.remove(this.id, { objectId, keyId }, stay);
      seen.clear();
      const added = await passwords.add(this.id, asked, stay);
      if (added instanceof KeyturnError) {
        failure = added;
        continue;
      }
      const { keyId, value } = added;
      const others = this.#alive({ objectId, credentials }).filter(
        (each) => !made.includes(each.keyId),
      );
      if (!others.some(({ hint }) => hint === hintOf(value))) {
        this.#issued = { value, successes: 0 };
        return { handle: keyId, value };
      }
      // With a hint that another one has, too, nobody could tell which of them the secret keeps.
      await passwords.remove(this.id, { objectId, keyId }, stay);
    }
    throw (
      failure ??
      new BusyError('target-busy', {
        detail: 'No client secret with a hint of its own came about.',
      })
    );
  }

  async check(value: Secret): Promise<Verdict> {
    const answer = await this.#deps.probe.tryLogin(this.id, value);
    this.#doubt =
      typeof answer === 'object' && !REFUSED.includes(answer.refused) ? answer.refused : undefined;
    const issued = this.#issued?.value.equals(value) ? this.#issued : undefined;
    if (issued) issued.successes = answer === 'accepted' ? issued.successes + 1 : 0;
    if (answer === 'accepted')
      return issued && issued.successes < SUCCESSES ? 'not-yet' : 'accepted';
    if (answer === 'busy')
      throw new BusyError('target-busy', { detail: 'Entra gave no clear answer to a login.' });
    if (SPREADING.includes(answer.refused) && (await this.#isFresh(value))) return 'not-yet';
    return REFUSED.includes(answer.refused) ? 'refused' : 'unknown';
  }

  said(): Said | undefined {
    if (this.#mistaken) return this.#mistaken;
    const number = this.#doubt;
    if (number === undefined) return undefined;
    const name = number === 0 ? 'no number' : `AADSTS${number}`;
    const detail = `Entra gives the application ${this.id} no token (${name}): ${MENDED[number] ?? BY_NUMBER}. What it would say of the stored client secret is not known.`;
    return { doubt: 'unproved', expired: false, detail };
  }

  async revoke(handle: Handle, old: Secret | undefined, stay: Stay): Promise<undefined> {
    const facts = await this.#read();
    const found = facts.credentials.find(({ keyId }) => keyId === handle);
    // A list may not show yet what was added a moment ago.
    if (!found && !this.#deps.passwords.addedHere(handle)) return undefined;
    if (found && !(await this.#mayRemove(found, facts, old))) return undefined;
    await this.#deps.passwords.remove(this.id, { objectId: facts.objectId, keyId: handle }, stay);
    return undefined;
  }

  /** False where the credential no longer is `old`. Throws where a person made it and it can't be told to be the adopted one. */
  async #mayRemove(
    found: AppCredential,
    facts: AppFacts,
    old: Secret | undefined,
  ): Promise<boolean> {
    if (this.#isOurs(found))
      return old === undefined || found.hint === undefined || found.hint === hintOf(old);
    const adopted = this.#revokesAdopted && !isCredentialLabel(found.displayName) ? old : undefined;
    const named = adopted && this.#named(facts, adopted);
    const verdict = adopted && named?.keyId === found.keyId ? await this.check(adopted) : 'unknown';
    if (verdict === 'accepted' || verdict === 'refused') return verdict === 'accepted';
    throw new KeyturnError('failed', {
      detail: `The client secret ${found.keyId} was not made by Keyturn for this secret; it is left where it is.`,
    });
  }

  /** The word that helps whoever stored something else of the application (case VAL-03, finding COR-08). Decides nothing by itself. */
  async #mistakeIn(value: Secret, { credentials }: AppFacts): Promise<Said | undefined> {
    const isValue = ({ keyId }: AppCredential) =>
      value.equals(Secret.unopened(keyId)) || value.equals(Secret.unopened(keyId.toUpperCase()));
    const key = credentials.find(isValue);
    if (key) {
      const detail = `The value is the key id of the client secret ${quote(key.displayName)} of the application ${this.id}, not its text, which Entra shows once, when it is made.`;
      return { doubt: 'unknown-value', expired: false, detail };
    }
    const hint = hintOf(value);
    if (credentials.some((each) => each.hint === hint)) return undefined;
    const others = (await this.#deps.graph.principalPasswords?.(this.id)) ?? [];
    if (!others.some((each) => each.hint === hint || isValue(each))) return undefined;
    const detail = `That secret belongs to the service principal of the application ${this.id}; Keyturn changes those of the application itself. Make one there and store it, or the word keyturn:new.`;
    return { doubt: 'bad-value', expired: false, detail };
  }

  async #absent(error: unknown): Promise<never> {
    const appId =
      error instanceof AbsentError ? await this.#deps.graph.appIdOf?.(this.id) : undefined;
    if (appId === undefined || appId === this.id) throw error;
    throw new KeyturnError('bad-tags', { detail: notTheAppId(this.id, appId) });
  }

  #read(): Promise<AppFacts> {
    return this.#deps.passwords.read(this.id);
  }

  #labelled(credentials: readonly AppCredential[]): readonly Labelled[] {
    return credentials.flatMap(({ keyId, displayName, startsOn }) => {
      const rotation = rotationInLabel(this.#secret, displayName);
      return rotation === undefined ? [] : [{ handle: keyId, rotation, createdOn: startsOn }];
    });
  }

  #isOurs({ displayName }: AppCredential): boolean {
    return rotationInLabel(this.#secret, displayName) !== undefined;
  }

  /**
   * The live credential with the hint of the value. Of several the one with our label: whichever the value really is, only
   * that one could ever be removed, and named it is safe. Without a label it must be the only one, beside none without a hint.
   */
  #named(facts: AppFacts, value: Secret): AppCredential | undefined {
    const alive = this.#alive(facts);
    const fitting = alive.filter(({ hint }) => hint === hintOf(value));
    const ours = fitting.filter((each) => this.#isOurs(each));
    const candidates = ours.length > 0 ? ours : fitting;
    const certain = ours.length > 0 || alive.every(({ hint }) => hint !== undefined);
    return candidates.length === 1 && certain ? candidates[0] : undefined;
  }

  #alive({ credentials }: AppFacts): readonly AppCredential[] {
    return credentials.filter(({ endsOn }) => endsOn > this.#deps.clock.now());
  }

  /** Added less than ten minutes ago: by this process, or as the list says. */
  async #isFresh(value: Secret): Promise<boolean> {
    const added = this.#deps.passwords.added(value);
    if (added) return this.#isYoung(added.on);
    const { credentials } = await this.#read();
    return credentials.some(
      ({ hint, startsOn }) => hint === hintOf(value) && this.#isYoung(startsOn),
    );
  }

  #isYoung(on: Date): boolean {
    return minutesBetween(on, this.#deps.clock.now()) < FRESH_MINUTES;
  }
}

/** What a person may want to remove: by the name that somebody gave it, with its end (case GR-10). */
const noteOn = ({ keyId, displayName, endsOn }: AppCredential): string =>
  `Keyturn did not make the client secret ${keyId} ${quote(displayName)} for this secret; it lives until ${endsOn.toISOString().slice(0, 10)}.`;
