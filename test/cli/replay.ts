/**
 * What a command was answered, kept: the same command runs again, as somebody at a terminal would have seen it, and changes nothing a
 * second time. Only what is outside of the program is replayed; what it prints takes the path that it takes at a terminal.
 */
import {
  createDefaultHttpClient,
  createHttpHeaders,
  type HttpClient,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import type { Io } from '../../cli/io.ts';

interface Answered {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** The outside of one run, as an `Io` has it. */
export type Outside = Pick<Io, 'fetch' | 'http' | 'now' | 'ask' | 'sleep' | 'printed' | 'browse'>;

export class Kept {
  readonly #answers = new Map<string, Answered[]>();
  readonly #times: Date[] = [];
  readonly #said: (string | undefined)[] = [];

  /** The same outside; what it answers is kept. */
  keeping(outside: Outside): Outside {
    const http = outside.http ?? createDefaultHttpClient();
    return {
      ...outside,
      fetch: async (address, init) => {
        const answer = await outside.fetch(address, init);
        const body = await answer.clone().text();
        this.#keep(init?.method ?? 'GET', `${address}`, {
          status: answer.status,
          headers: [...answer.headers],
          body,
        });
        return answer;
      },
      http: {
        sendRequest: async (request) => {
          const answer = await http.sendRequest(request);
          const headers = Object.entries(answer.headers.toJSON());
          this.#keep(request.method, request.url, {
            status: answer.status,
            headers,
            body: answer.bodyAsText ?? '',
          });
          return answer;
        },
      },
      now: () => {
        const on = outside.now();
        this.#times.push(on);
        return on;
      },
      ask: async (question) => {
        const said = await outside.ask(question);
        this.#said.push(said);
        return said;
      },
    };
  }

  /** An outside that answers the same, once; it throws for a request that was not made. */
  again(): Outside {
    const left = new Map([...this.#answers].map(([asked, answers]) => [asked, [...answers]]));
    const [times, said] = [[...this.#times], [...this.#said]];
    const next = (method: string, address: string): Answered => {
      const found = left.get(`${method} ${address}`)?.shift();
      if (!found) throw new Error(`Only at a terminal it asks for ${method} ${address}.`);
      return found;
    };
    const http: HttpClient = {
      sendRequest: async (request): Promise<PipelineResponse> => {
        const { status, headers, body } = next(request.method, request.url);
        return {
          request,
          status,
          headers: createHttpHeaders(Object.fromEntries(headers)),
          bodyAsText: body,
        };
      },
    };
    return {
      http,
      fetch: async (address, init) => {
        const { status, headers, body } = next(init?.method ?? 'GET', `${address}`);
        const none = [101, 103, 204, 205, 304].includes(status);
        return new Response(none ? null : body, {
          status,
          headers: headers.map(([name, value]) => [name, value]),
        });
      },
      now: () => times.shift() ?? this.#times.at(-1) ?? new Date(),
      ask: async () => said.shift(),
      sleep: async () => {},
      printed: async () => undefined,
      browse: async () => false,
    };
  }

  #keep(method: string, address: string, answered: Answered): void {
    const asked = `${method} ${address}`;
    this.#answers.set(asked, [...(this.#answers.get(asked) ?? []), answered]);
  }
}
