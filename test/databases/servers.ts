/** Throw-away PostgreSQL and MariaDB on localhost, with TLS and with every statement in their logs (azure-facts 12). */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeCertificate } from './certificate.ts';

export interface DatabaseServer {
  readonly host: 'localhost';
  readonly port: number;
  /** PEM of the authority behind its certificate. */
  readonly ca: string;
  /** PEM of its certificate and key, for what stands in front of it. */
  readonly cert?: string;
  readonly key?: string;
  /** The superuser's. */
  readonly user: string;
  readonly password: string;
  /** All that the server has logged. */
  logs(): string;
  /** PostgreSQL: lines in front of those that ask for SCRAM over TLS; in force once the server has read them again. */
  hba?(...lines: readonly string[]): void;
  stop(): Promise<void>;
}

const PASSWORD = 'of-the-throw-away-server';
const root = userInfo().uid === 0;

/** Where the servers are, or are put by Debian's packages. */
function binaries(): {
  readonly postgresql: string;
  readonly mariadb: string;
  readonly pgbouncer: string;
} {
  const script = join(import.meta.dirname, '../../scripts/databases.sh');
  const lines = execFileSync(script, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).split('\n');
  const find = (name: string) =>
    lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  return { postgresql: find('postgresql'), mariadb: find('mariadb'), pgbouncer: find('pgbouncer') };
}

/** PostgreSQL refuses to run as root: then it runs as the user of its package, or as nobody. */
function unprivileged(): { uid: number; gid: number } | Record<string, never> {
  if (!root) return {};
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line =
    users.find((user) => user.startsWith('postgres:')) ??
    users.find((user) => user.startsWith('nobody:'));
  const [, , uid, gid] = (line ?? '').split(':').map(Number);
  if (uid === undefined || gid === undefined)
    throw new Error('There is neither a user postgres nor nobody.');
  return { uid, gid };
}

const SCRAM = 'hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n';

export async function startPostgres(): Promise<DatabaseServer> {
  const bin = binaries().postgresql;
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-postgres-'));
  const { ca, cert, key } = makeCertificate(folder);
  const as = unprivileged();
  const data = join(folder, 'data');
  const put = (path: string, text: string) => {
    writeFileSync(path, text, { mode: 0o600 });
    if ('uid' in as) chownSync(path, as.uid as number, as.gid as number);
  };
  const own = {
    ...as,
    cwd: folder,
    env: { ...process.env, LD_LIBRARY_PATH: libraries(bin.split('/usr/')[0] ?? '') },
  };
  put(join(folder, 'pw'), PASSWORD);
  mkdirSync(data);
  if ('uid' in as)
    for (const path of [folder, data]) chownSync(path, as.uid as number, as.gid as number);
  const init = [
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    `--pwfile=${join(folder, 'pw')}`,
    '--no-sync',
  ];
  execFileSync(join(bin, 'initdb'), [...init, '-E', 'UTF8', '--locale=C.UTF-8'], {
    ...own,
    stdio: 'pipe',
  });
  put(join(data, 'server.crt'), cert);
  put(join(data, 'server.key'), key);
  const hba = (...lines: readonly string[]) =>
    put(join(data, 'pg_hba.conf'), `${lines.join('\n')}\n${SCRAM}`);
  hba();
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    fsync: 'off',
    ssl: 'on',
    log_statement: 'all',
    log_min_error_statement: 'debug5',
    log_connections: 'on',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log: string[] = [];
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...options], {
    ...own,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => log.push(text));
  const logs = () => log.join('');
  await until(child, logs, () => logs().includes('ready to accept connections'));
  return {
    host: 'localhost',
    port,
    ca,
    cert,
    key,
    user: 'postgres',
    password: PASSWORD,
    logs,
    hba,
    stop: () => stop(child, 'SIGQUIT', folder),
  };
}

export interface Pooler {
  readonly port: number;
  logs(): string;
  stop(): Promise<void>;
}

/**
 * PgBouncer in front of a PostgreSQL, with TLS on both sides. It asks the server for passwords, or has a list of its own.
 *
 * @param list logins and passwords; absent: `auth_query`
 */
export async function startPooler(
  server: DatabaseServer,
  list?: Readonly<Record<string, string>>,
): Promise<Pooler> {
  const bin = binaries().pgbouncer;
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-pooler-'));
  const as = unprivileged();
  const put = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    if ('uid' in as) chownSync(path, as.uid as number, as.gid as number);
    return path;
  };
  if ('uid' in as) chownSync(folder, as.uid as number, as.gid as number);
  const port = await freePort();
  const users = list ?? { [server.user]: server.password };
  const lines = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    auth_type: 'scram-sha-256',
    auth_file: put(
      'users',
      Object.entries(users)
        .map(([user, password]) => `"${user}" "${password}"\n`)
        .join(''),
    ),
    ...(list ? {} : { auth_user: server.user }),
    client_tls_sslmode: 'require',
    client_tls_cert_file: put('server.crt', server.cert ?? ''),
    client_tls_key_file: put('server.key', server.key ?? ''),
    server_tls_sslmode: 'require',
    unix_socket_dir: folder,
    server_login_retry: 1,
    ignore_startup_parameters: 'statement_timeout,lock_timeout,options',
    logfile: join(folder, 'log'),
  };
  const file = Object.entries(lines).map(([name, value]) => `${name} = ${value}`);
  const database = `* = host=127.0.0.1 port=${server.port}`;
  const config = put('ini', ['[databases]', database, '[pgbouncer]', ...file, ''].join('\n'));
  const log: string[] = [];
  const env = { ...process.env, LD_LIBRARY_PATH: libraries(bin.split('/usr/')[0] ?? '') };
  const child = spawn(bin, [config], {
    ...as,
    env,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => log.push(text));
  const logs = () => log.join('');
  await until(child, logs, () => logs().includes('process up'));
  return { port, logs, stop: () => stop(child, 'SIGTERM', folder) };
}

export async function startMaria(): Promise<DatabaseServer> {
  const home = binaries().mariadb;
  const at = (path: string) => join(home, path);
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-maria-'));
  const { ca, cert, key } = makeCertificate(folder);
  for (const [name, text] of Object.entries({ 'server.pem': cert, 'server-key.pem': key })) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  const env = { ...process.env, LD_LIBRARY_PATH: libraries(home) };
  const data = join(folder, 'data');
  const user = `--user=${userInfo().username}`;
  const init = [
    '--no-defaults',
    user,
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ];
  const base = home === '/' ? [] : [`--basedir=${at('usr')}`];
  execFileSync(at('usr/bin/mariadb-install-db'), [...init, ...base], { env, stdio: 'pipe' });
  writeFileSync(
    join(folder, 'init.sql'),
    `ALTER USER root@localhost IDENTIFIED BY '${PASSWORD}';\n`,
  );
  const port = await freePort();
  const general = join(folder, 'general');
  const args = [
    ...[
      '--no-defaults',
      user,
      ...base,
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
    ],
    ...[
      `--socket=${join(folder, 's')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--init-file=${join(folder, 'init.sql')}`,
    ],
    ...[`--ssl-cert=${join(folder, 'server.pem')}`, `--ssl-key=${join(folder, 'server-key.pem')}`],
    ...[
      '--require-secure-transport=ON',
      '--general-log=1',
      `--general-log-file=${general}`,
      '--log-warnings=9',
    ],
    ...['--max-connect-errors=100000', '--innodb-flush-log-at-trx-commit=0'],
    ...(home === '/'
      ? []
      : [
          `--lc-messages-dir=${at('usr/share/mysql')}`,
          `--plugin-dir=${at('usr/lib/mysql/plugin')}`,
        ]),
  ];
  const log: string[] = [];
  const child = spawn(at('usr/sbin/mariadbd'), args, {
    env,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => log.push(text));
  const logs = () => log.join('') + (existsSync(general) ? readFileSync(general, 'utf8') : '');
  await until(child, logs, () => /ready for connections/.test(log.join('')));
  return {
    host: 'localhost',
    port,
    ca,
    user: 'root',
    password: PASSWORD,
    logs,
    stop: () => stop(child, 'SIGTERM', folder),
  };
}

/** Of an unpacked package; where all is installed, the folder is not there. */
const libraries = (home: string): string => join(home, '/usr/lib/x86_64-linux-gnu');

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => void server.close(done));
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return address.port;
}

async function until(child: ChildProcess, logs: () => string, ready: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (ready()) return;
    if (child.exitCode !== null) break;
    await pause(100);
  }
  child.kill('SIGKILL');
  throw new Error(`The server did not start:\n${logs().slice(-3000)}`);
}

async function stop(
  child: ChildProcess,
  signal: 'SIGQUIT' | 'SIGTERM',
  folder: string,
): Promise<void> {
  const ended = new Promise((done) => void child.once('exit', done));
  if (child.exitCode === null && child.kill(signal)) await ended;
  rmSync(folder, { recursive: true, force: true });
}
