/** Runs commands of the documentation as a person does, in a process group of their own, and ends them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** npm's scripts find Node 24 first on the path, as after `npm ci`. */
const PATH = [join(root, 'node_modules/.bin'), dirname(process.execPath), process.env.PATH].join(
  ':',
);

export interface Started {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the exit code once the process has ended. */
  readonly ended: Promise<number | null>;
  /** Waits until the output has this; rejects when the process ends before. */
  seen(pattern: RegExp): Promise<void>;
  /** Sends a signal to the whole group, as Ctrl-C does. */
  signal(name: NodeJS.Signals): void;
  /** Whether any process of the group is left. */
  isAlive(): boolean;
}

const running = new Set<Started>();

export function start(words: readonly string[], env: Record<string, string> = {}): Started {
  const [command = '', ...rest] = words;
  // Jest's own options for Node are not for what it starts.
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const child = spawn(command, rest, {
    cwd: root,
    env: { ...inherited, PATH, ...env },
    detached: true,
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  const ended = new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  const started: Started = {
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    seen: (pattern) => seen(pattern, child, output),
    signal: (name) => void process.kill(-(child.pid as number), name),
    isAlive: () => groupLives(child.pid as number),
  };
  running.add(started);
  void ended.finally(() => running.delete(started));
  return started;
}

/** For afterAll: ends what a failed test has left. */
export function endAll(): void {
  for (const started of running) if (started.isAlive()) started.signal('SIGKILL');
}

function seen(
  pattern: RegExp,
  child: ChildProcess,
  output: { stdout: string; stderr: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => pattern.test(output.stdout) && resolve();
    child.stdout?.on('data', look);
    child.once('close', (code) =>
      reject(new Error(`ended with ${code} before ${pattern}: ${output.stderr}`)),
    );
    look();
  });
}

function groupLives(id: number): boolean {
  try {
    process.kill(-id, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false; // of node's realm, so no instanceof under jest
    throw error;
  }
}
