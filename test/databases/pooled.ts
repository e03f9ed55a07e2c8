/** A PostgreSQL behind PgBouncer, and an application that goes through that. */
import pg from 'pg';
import { startPooler } from './servers.ts';
import { Stories } from './stories.ts';
import { type Peer, postgresPeer } from './subjects.ts';

/** One tenant and one clock serve a file. @param list logins and passwords that the pooler has of its own */
export async function startPooled(list?: Readonly<Record<string, string>>): Promise<{
  readonly all: Stories;
  /** The server itself. */
  readonly peer: Peer;
  /** Ends the pooler alone. */
  end(): Promise<void>;
}> {
  const peer = await postgresPeer();
  const pooler = await startPooler(peer.server, list);
  const { port } = pooler;
  const { ca, host } = peer.server;
  const all = await Stories.start(async () => ({
    ...peer,
    poolerPort: port,
    rotator: (clock) => peer.rotator(clock, { poolerPort: port }),
    connectionString: (login, password) =>
      `postgresql://${login}:${encodeURIComponent(password)}@localhost:${port}/postgres?sslmode=verify-full`,
    async query(user, password) {
      const client = new pg.Client({
        host,
        port,
        user,
        password,
        database: 'postgres',
        ssl: { ca },
      });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.query('SELECT 1');
        await client.end();
        return 'ok';
      } catch (error) {
        return String((error as { code?: unknown }).code);
      }
    },
    async stop() {
      await pooler.stop();
      await peer.stop();
    },
  }));
  return { all, peer, end: pooler.stop };
}
