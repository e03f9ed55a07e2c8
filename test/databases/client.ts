/** An application that uses a secret as it should: it keeps the value, and reads the secret again when it is refused. */
import { setTimeout as pause } from 'node:timers/promises';

export interface Login {
  readonly login: string;
  readonly password: string;
}

const PAUSE_MILLISECONDS = 25;

export class Client {
  /** Logins that went well. */
  ok = 0;
  /** The kept value was refused, and the one that was read again was not. */
  reread = 0;
  /** Refused with the value that the vault held at that moment, too. */
  failed = 0;
  readonly codes = new Set<string>();
  readonly #read: () => Login;
  readonly #query: (login: string, password: string) => Promise<string>;
  #kept: Login;
  #stopped = false;

  constructor(read: () => Login, query: (login: string, password: string) => Promise<string>) {
    this.#read = read;
    this.#query = query;
    this.#kept = read();
  }

  /** Logs in again and again while `work` goes on, and no longer. */
  async during(work: () => Promise<void>): Promise<void> {
    const running = this.#loop();
    try {
      await work();
    } finally {
      this.#stopped = true;
      await running;
    }
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      await this.#once();
      await pause(PAUSE_MILLISECONDS);
    }
  }

  async #once(): Promise<void> {
    const answer = await this.#query(this.#kept.login, this.#kept.password);
    if (answer === 'ok') {
      this.ok += 1;
      return;
    }
    this.#kept = this.#read();
    const again = await this.#query(this.#kept.login, this.#kept.password);
    if (again === 'ok') {
      this.reread += 1;
      return;
    }
    this.codes.add(again);
    this.failed += 1;
  }
}
