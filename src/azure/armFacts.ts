/** What ARM's GET shows of a resource and of the one that it stands below. */
import { z } from 'zod';
import type { ResourceId } from '../core/ids.ts';
import type { ArmKeysApi } from './armKeys.ts';

const Shown = z.object({ properties: z.record(z.string(), z.unknown()) });

/** Members of `properties`, by name; with `/` before it of the outermost resource. Each resource is asked once. */
export class ArmFacts {
  readonly #resource: ResourceId;
  readonly #version: string;
  readonly #keys: Pick<ArmKeysApi, 'get'>;
  readonly #asked = new Map<string, Promise<unknown>>();

  constructor(resource: ResourceId, version: string, keys: Pick<ArmKeysApi, 'get'>) {
    this.#resource = resource;
    this.#version = version;
    this.#keys = keys;
  }

  async read(member: string): Promise<unknown> {
    const { above, text } = this.#resource;
    const id = (member.startsWith('/') ? above[0] : undefined) ?? text;
    const asked = this.#asked.get(id) ?? this.#keys.get(id, this.#version);
    this.#asked.set(id, asked);
    const { data } = Shown.safeParse(await asked);
    return data?.properties[member.replace('/', '')] ?? undefined;
  }
}

/** A host as connection strings name it, from an address or a name; nothing is dialled, so no suffix is asked for. */
export function hostOf(value: unknown, port: unknown): readonly string[] {
  if (typeof value !== 'string') return [];
  const address = value.includes('://') ? value.replace(/^sb:/, 'https:') : `https://${value}`;
  if (!URL.canParse(address)) return [];
  const { host, protocol } = new URL(address);
  if (protocol !== 'https:' || !/^[a-z0-9.-]+(:\d+)?$/.test(host)) return [];
  return [typeof port === 'number' && port !== 443 ? `${host}:${port}` : host];
}
