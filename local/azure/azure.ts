import type { JWTPayload } from 'jose';
import type { Azurite } from '../azurite.ts';
import type { EventGrid } from '../eventGrid.ts';
import type { Account } from './accounts.ts';
import { Application } from './applications.ts';
import type { LoggedCall } from './calls.ts';
import { type ConsumerOptions, ConsumingResource } from './consumingResource.ts';
import { accessClaims } from './entra.ts';
import { environment } from './environment.ts';
import { newId } from './exchange.ts';
import type { Step } from './faults.ts';
import { consumerGrant } from './grants.ts';
import type { KeyedResource } from './keyedResource.ts';
import type { Grant, Principal } from './principals.ts';
import { routes } from './server.ts';
import type { SqlServer } from './sqlServer.ts';
import type { Topic } from './topics.ts';
import type { Vault } from './vault.ts';
import { audiences, hostOf, loginUrl, type World } from './world.ts';

/** A running tenant as tests and `npm start` see it: addresses, state, faults, log, tokens. */
export class Azure {
  readonly world: World;
  readonly eventGrid: EventGrid;
  /** The authority's certificate as PEM, and its file. */
  readonly ca: string;
  readonly caPath: string;
  readonly identityPort: number;
  /** Faults of the stand-in itself; a test that ends with one proves nothing. */
  readonly problems: unknown[];
  private readonly stopAll: () => Promise<void>;

  constructor(
    parts: Pick<Azure, 'world' | 'eventGrid' | 'caPath' | 'ca' | 'identityPort' | 'problems'>,
    stop: () => Promise<void>,
  ) {
    this.world = parts.world;
    this.eventGrid = parts.eventGrid;
    this.caPath = parts.caPath;
    this.ca = parts.ca;
    this.identityPort = parts.identityPort;
    this.problems = parts.problems;
    this.stopAll = stop;
  }

  get port(): number {
    return this.world.port;
  }

  get calls(): LoggedCall[] {
    return this.world.calls;
  }

  get azurite(): Azurite {
    if (!this.world.azurite) throw new Error('started without Azurite');
    return this.world.azurite;
  }

  vault(name: string): Vault {
    return required(this.world.vaults.get(name.toLowerCase()), `vault ${name}`);
  }

  account(name: string): Account {
    return required(this.world.accounts.get(name.toLowerCase()), `account ${name}`);
  }

  sqlServer(name: string): SqlServer {
    return required(this.world.sqlServers.get(name.toLowerCase()), `SQL server ${name}`);
  }

  /**
   * A resource that reads secrets, with the consumer role for Keyturn's identity there unless told otherwise; another one of its id is
   * replaced.
   */
  consumer(options: ConsumerOptions, granted = true): ConsumingResource {
    const group = options.resourceGroup ?? 'rg-keyturn';
    this.world.resourceGroups.add(group.toLowerCase());
    const groupId = `/subscriptions/${this.world.subscriptionId}/resourceGroups/${group}`;
    const made = new ConsumingResource(options, groupId);
    this.world.consumers.set(made.id.toLowerCase(), made);
    if (granted) this.grant(consumerGrant(this.world, made.id));
    return made;
  }

  /** A resource with access keys: `keyed('Microsoft.Cache/redis', 'redis1')`. */
  keyed(type: string, name: string): KeyedResource {
    const [provider, ...kinds] = type.toLowerCase().split('/');
    const end = [
      provider,
      ...kinds.map((kind, at) => `${kind}/${name.toLowerCase().split('/')[at]}`),
    ].join('/');
    const found = [...this.world.keyed].find(([id]) => id.endsWith(`/providers/${end}`));
    return required(found?.[1], `${type} ${name}`);
  }

  /** `https://<name>.keyturn.localhost:<port>`: `kv1.vault`, `management`, `login`, `acct1.blob.core`, … */
  url(name: string): string {
    return `https://${hostOf(this.world, name)}`;
  }

  /** Appends steps to a route's script: one is used up by each request that got past authentication. */
  fault(route: string, steps: readonly Step[]): void {
    this.world.faults.script(route, steps);
  }

  /** The same step for every request to the route until `heal`. */
  outage(route: string, step: Step): void {
    this.world.faults.outage(route, step);
  }

  /** Ends scripts, outage and echo of a route, or of all routes. */
  heal(route?: string): void {
    this.world.faults.heal(route);
  }

  /** The route throws each request body back, in a 400 message and in the header `x-ms-echo` (case FN-05). */
  echo(route: string, on = true): void {
    this.world.faults.echo(route, on);
  }

  /** Steps left over, by route: a test that ends with some did not test what it says. */
  unusedFaults(): Record<string, number> {
    const fresh = this.world.applications
      .filter(({ freshAnswers }) => freshAnswers.length > 0)
      .map(({ displayName, freshAnswers }) => [
        `entra.token for ${displayName}`,
        freshAnswers.length,
      ]);
    return { ...this.world.faults.unused(), ...Object.fromEntries(fresh) };
  }

  /** Requests to routes that change a vault or a target, refused ones included. */
  writes(): LoggedCall[] {
    return this.calls.filter(({ write }) => write);
  }

  /** The writes that changed something, whether the caller was told or not. */
  changes(): LoggedCall[] {
    return this.calls.filter(({ applied }) => applied);
  }

  /** Names of the routes that were used, and of those of a plane (`keyvault`, `arm`, …) that were not. */
  routesHit(): Set<string> {
    const known = new Set(routes.map(({ name }) => name));
    return new Set(this.calls.map(({ route }) => route).filter((name) => known.has(name)));
  }

  routesUnused(...planes: string[]): string[] {
    const hit = this.routesHit();
    const inPlane = (name: string) =>
      planes.length === 0 || planes.some((plane) => name.startsWith(`${plane}.`));
    return routes.map(({ name }) => name).filter((name) => inPlane(name) && !hit.has(name));
  }

  grant(grant: Grant): string {
    return this.world.roles.grant(grant);
  }

  revokeGrant(which: string | Partial<Grant>): void {
    this.world.roles.revoke(which);
  }

  /** Sets or removes the description of role assignments; without `principalId` those of every principal at the scope. */
  setDescription(which: string | Partial<Grant>, description: string | undefined): void {
    this.world.roles.describe(which, description);
  }

  /** An app registration with its service principal, known to Entra and Graph. */
  application(displayName: string, graphRoles: string[] = []): Application {
    const application = new Application(displayName, graphRoles);
    this.world.applications.push(application);
    this.world.principals.push(application.principal);
    return application;
  }

  /** An app registration that Keyturn's identity owns and may change, with consent for these secrets: `kv1/gr-a`. */
  ownedApplication(displayName: string, consent: string): Application {
    const { identity } = this.world;
    const right = 'Application.ReadWrite.OwnedBy';
    if (!identity.graphRoles.includes(right)) identity.graphRoles.push(right);
    const application = this.application(displayName);
    application.owners.add(identity.oid);
    application.tags = [`keyturn app-registration: ${consent}`];
    return application;
  }

  /** A custom topic that Keyturn's identity may send to, unless told otherwise. */
  topic(name: string, { granted = true } = {}): Topic {
    const { subscriptionId, topics, identity, roles } = this.world;
    const id = `/subscriptions/${subscriptionId}/resourceGroups/rg-keyturn/providers/Microsoft.EventGrid/topics/${name}`;
    const made: Topic = { name: name.toLowerCase(), id, events: [] };
    topics.push(made);
    const dataActions = ['Microsoft.EventGrid/events/send/action'];
    if (granted) roles.grant({ principalId: identity.oid, scope: id, dataActions });
    return made;
  }

  /**
   * A token signed by the tenant: by default an app-only access token for Keyturn's own API without roles, valid for an
   * hour of the movable clock. Each claim can be replaced; `undefined` takes it out.
   */
  async issueToken(claims: { [name: string]: unknown } = {}): Promise<string> {
    const caller: Principal = {
      oid: newId(),
      clientId: newId(),
      displayName: 'caller',
      graphRoles: [],
    };
    const base: JWTPayload = accessClaims(this.world, caller, audiences.keyturn);
    const subject = typeof claims.oid === 'string' ? { sub: claims.oid } : {};
    const all = Object.entries({ ...base, ...subject, ...claims }).filter(
      ([, value]) => value !== undefined,
    );
    return await this.world.signer.sign(Object.fromEntries(all));
  }

  rotateSigningKey(options: { dropOld?: boolean } = {}): Promise<void> {
    return this.world.signer.rotate(options);
  }

  /** The settings with which the product runs against this tenant. */
  env(): Record<string, string> {
    return environment(this);
  }

  get authority(): string {
    return loginUrl(this.world);
  }

  /** Closes servers, sockets and timers; nothing is left running. */
  stop(): Promise<void> {
    return this.stopAll();
  }
}

function required<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new Error(`No ${what} in this tenant.`);
  return found;
}
