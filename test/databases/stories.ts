/** A secret with two logins on a real server, in the whole product, while an application logs in: for what servers answer. */
import * as movable from '../../local/clock.ts';
import { createApp, provideApp } from '../../src/app/app.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import { movingClock } from '../cases/clock.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { Client, type Login } from './client.ts';
import type { Peer } from './subjects.ts';

const STORIES = 30;
export const GRACE_HOURS = 24;
export const EVERY_DAYS = 10;

/** Secrets `pw1`, `pw2`, … with the logins `app1_a` and `app1_b`, and so on: each test takes the next. */
export class Stories {
  readonly peer: Peer;
  readonly tenant: Tenant;
  #used = 0;

  constructor(peer: Peer, tenant: Tenant) {
    this.peer = peer;
    this.tenant = tenant;
  }

  static async start(start: () => Promise<Peer>): Promise<Stories> {
    const peer = await start();
    const tenant = await startTenant({
      vaults: ['kv1'],
      accounts: [],
      env: { KEYTURN_ROTATORS: '' },
    });
    return new Stories(peer, tenant);
  }

  /** A new app, as a restart would make it. */
  #configure(): void {
    const { peer, tenant } = this;
    const named = Array.from(
      { length: STORIES },
      (_, at) => `kv1/pw${at + 1}(app${at + 1}_a,app${at + 1}_b)`,
    );
    const env = {
      KEYTURN_ROTATORS: peer.type,
      KEYTURN_CONSENT: JSON.stringify({ [peer.target]: `${peer.type}: ${named.join(', ')}` }),
      KEYTURN_POLICY: `every=${EVERY_DAYS}d;grace=${GRACE_HOURS}h`,
    };
    const clock = movingClock();
    provideApp(
      createApp({ ...tenant.azure.env(), ...env }, { clock, rotators: [peer.rotator(clock)] }),
    );
  }

  async stop(): Promise<void> {
    await this.tenant.stop();
    await this.peer.stop();
  }

  /** Two logins that nobody has used, and a person's secret with the first, or with another password for it. */
  async next(password?: string, options?: StoryOptions): Promise<Story> {
    await this.tenant.clear();
    this.#configure();
    this.#used += 1;
    const [a, b] = [`app${this.#used}_a`, `app${this.#used}_b`];
    if (options?.make) await options.make(a, b);
    else for (const login of [a, b]) await this.peer.createLogin(login, `First-of-${login}`);
    const story = new Story(this, `pw${this.#used}`, [a, b], options);
    story.store(password ?? `First-of-${a}`);
    return story;
  }
}

export interface StoryOptions {
  /** Makes the two logins otherwise than those that may do nothing else. */
  make?(a: string, b: string): Promise<void>;
  /** More of the tag `rotator-options`. */
  readonly more?: string;
  /** The tag `rotator-policy`. */
  readonly policy?: string;
}

export class Story {
  readonly a: string;
  readonly b: string;
  readonly name: string;
  readonly #all: Stories;

  readonly #tags: Readonly<Record<string, string>>;

  constructor(
    all: Stories,
    name: string,
    [a, b]: readonly [string, string],
    { more = '', policy }: StoryOptions = {},
  ) {
    const options = { 'rotator-options': `logins=${a},${b}${more}` };
    this.#tags = policy === undefined ? options : { ...options, 'rotator-policy': policy };
    this.#all = all;
    this.name = name;
    [this.a, this.b] = [a, b];
  }

  get tenant(): Tenant {
    return this.#all.tenant;
  }

  get peer(): Peer {
    return this.#all.peer;
  }

  /** A person stores this password of the first login. */
  store(password: string): void {
    const { type, target } = this.peer;
    const tags = {
      rotator: type,
      'rotator-target': target,
      ...this.#tags,
    };
    this.tenant.azure
      .vault('kv1')
      .set(this.name, this.peer.connectionString(this.a, password), { tags });
  }

  /** What the vault holds now. */
  held(): Login {
    const ports = [
      this.peer.server.port,
      ...(this.peer.poolerPort === undefined ? [] : [this.peer.poolerPort]),
    ];
    const server = this.peer.type === 'mysql-login' ? 'mysql' : 'postgresql';
    const spec = { kind: 'login', server, required: true } as const;
    const value = new Secret(this.tenant.current(this.name).value);
    const { login = '', bare } = openForm(
      value,
      { spec },
      ports.map((port) => `localhost:${port}`),
    );
    return { login, password: bare.reveal() };
  }

  versions(): number {
    return this.tenant.versions(this.name).length;
  }

  row() {
    return this.tenant.row(this.name);
  }

  reasons(): unknown[] {
    return this.tenant.alerts(this.name).map(({ reason }) => reason);
  }

  /** To the day on which it is due, with sweeps on the way, and a little beyond. */
  async due(): Promise<void> {
    await this.tenant.goTo(this.tenant.dueOn(this.name, { days: EVERY_DAYS }));
    await this.tenant.sweepAndSettle();
  }

  /** A look now. */
  async look(): Promise<void> {
    await this.tenant.advance({ minutes: 1 }, { sweepEvery: 1 });
    await this.tenant.sweepAndSettle();
  }

  days(days: number): Promise<unknown> {
    return this.tenant.advance({ hours: 24 * days }, { sweepEvery: 1 });
  }

  /** While an application logs in with this, or with what the vault holds; how often that failed. */
  async used(work: () => Promise<unknown>, read: () => Login = () => this.held()): Promise<number> {
    const client = new Client(read, this.peer.query);
    await client.during(async () => {
      await work();
    });
    if (client.ok === 0) return Number.POSITIVE_INFINITY;
    return client.failed;
  }

  /** A day from now on by the product's clock, which runs ahead of the server's. */
  inDays(days: number): Date {
    return new Date(movable.now() + days * 24 * 3_600_000);
  }

  /** Logins with a wrong password that the server has counted. */
  wrong(login: string): number {
    return this.peer.wrong(login);
  }
}
