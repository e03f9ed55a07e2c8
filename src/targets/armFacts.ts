/** What ARM's GET shows of a resource and of the one that it stands below. */
import { z } from 'zod';
import type { ResourceId } from '../core/ids.ts';
import type { ArmKeysApi } from './armKeys.ts';

const Shown = z.object({ properties: z.record(z.string(), z.unknown()) });

/**
 * Members of `properties`, by name; with `/` before it of the outermost resource. Behind a point a member further down, of each
 * where the one above is a list, and with `*` all there are. Each resource is asked once.
 */
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
    const [name = '', ...further] = member.replace('/', '').split('.');
    return further.reduce<unknown>(below, data?.properties[name]) ?? undefined;
  }
}

/** The member of that name, or of each in a list; strangers' shapes have none. */
function below(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((each) => below(each, name));
  if (typeof value !== 'object' || value === null) return undefined;
  return name === '*' ? Object.values(value) : Reflect.get(value, name);
}
