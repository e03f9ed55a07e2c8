/** The protocol of the common samples: create, store, revoke at once; the state is a tag, written in a second call. */
import { Secret } from '../../src/core/secret.ts';
import type { Run } from './sim.ts';

export const naive: Run = async (look, deps) => {
  const vault = deps.vaults.open(look.vault);
  const current = await vault?.current(look.name);
  if (!vault || current === undefined || typeof current === 'string') return;
  const rotator = deps.rotators.get(current.tags.rotator ?? '');
  const target = rotator?.bind({ target: current.tags['rotator-target'] ?? '', options: {} });
  if (!target) return;
  // Which key is in use stands in a tag, as the samples have it; the value is not compared.
  const used = current.tags.CredentialId ?? 'key1';
  const { handle, value } = await target.issue('0000000000000000', [used], deps.clock.now());
  const expiresOn = new Date(deps.clock.now().getTime() + 60 * 86_400_000);
  const id = await vault.store(look.name, {
    value: new Secret(value.reveal()),
    tags: current.tags,
    contentType: current.contentType ?? '',
    expiresOn,
  });
  await vault.retag(look.name, id, { ...current.tags, CredentialId: handle });
  await target.revoke(used);
};
