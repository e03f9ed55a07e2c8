/** A resource for a row of the two-key table, as Azure's own definitions (not the row) let it be. */
import type { TenantOptions } from '../../local/azure/tenant.ts';
import type { TwoKeyRow } from '../../src/rotators/twoKeyTable.ts';

type Keyed = NonNullable<TenantOptions['keyed']>[number];

/** With keys switched on, and an address where the row says that one stands. */
export function resourceFor(
  row: TwoKeyRow,
  armType: string,
  name: string,
  keys: 'on' | 'off' = 'on',
): Keyed {
  const properties: Record<string, unknown> = {};
  const above: Record<string, unknown> = {};
  const put = (member: string | undefined, value: unknown) => {
    if (member?.startsWith('/')) above[member.slice(1)] = value;
    else if (member !== undefined) properties[member] = value;
  };
  put(row.host, /endpoint$/i.test(row.host ?? '') ? `https://${HOST}:443/` : HOST);
  put(row.port, 6380);
  if (row.off) put(row.off.at, keys === 'on' ? switchedOn(row.off) : (row.off.is?.[0] ?? ['AAD']));
  const levels = armType.split('/').length - 1;
  const names = Array.from({ length: levels }, (_, at) => (at === 0 ? name : `${name}-${at}`));
  return { type: armType, name: names.join('/'), properties, above };
}

export const HOST = 'target.example.net';

function switchedOn({ at, is = [], lacks }: NonNullable<TwoKeyRow['off']>): unknown {
  if (lacks !== undefined) return ['AAD', lacks];
  if (typeof is[0] === 'boolean') return !is[0];
  return at === 'authMode' ? 'Key' : 'Enabled';
}
