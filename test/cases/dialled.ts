/** Every name that this process looks up, and every connection to a listener that nobody has a reason to dial. */
import dns from 'node:dns';
import { type AddressInfo, createServer } from 'node:net';

export interface Dialled {
  /** Names looked up since the start. */
  readonly names: string[];
  /** `127.0.0.1:<port>`: an address that stored values may name. */
  readonly trap: string;
  /** Connections to the trap. */
  connections(): number;
  stop(): Promise<void>;
}

/** Starts to watch. Node's clients look names up through `dns.lookup` or its promise. */
export async function watchDialling(): Promise<Dialled> {
  const names: string[] = [];
  const { lookup } = dns;
  const promised = dns.promises.lookup;
  const noting =
    (real: unknown) =>
    (name: string, ...rest: unknown[]) => {
      names.push(String(name).toLowerCase());
      return (real as (...args: unknown[]) => unknown)(name, ...rest);
    };
  const watched = Object.defineProperties(noting(lookup), Object.getOwnPropertyDescriptors(lookup));
  Object.assign(dns, { lookup: watched });
  Object.assign(dns.promises, { lookup: noting(promised) });
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    names,
    trap: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => count,
    async stop() {
      Object.assign(dns, { lookup });
      Object.assign(dns.promises, { lookup: promised });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
