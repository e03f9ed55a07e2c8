/** The protocol of the common samples: create, store, revoke at once; the state is a tag, written in a second call. */
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import type { Target } from '../../src/ports/rotator.ts';
import type { Version } from '../../src/ports/vault.ts';
import type { Run, Sim } from './sim.ts';

const stay = async () => true;

export const naive: Run = async (look, deps, sim) => {
  const secret = { vault: look.vault, name: look.name };
  const vault = deps.vaults.open(look.vault);
  const current = await vault?.current(look.name);
  if (!vault || current === undefined || typeof current === 'string') return;
  const rotator = deps.rotators.get(current.tags.rotator ?? '');
  const options = Object.fromEntries(
    new URLSearchParams(current.tags['rotator-options']?.replaceAll(';', '&') ?? ''),
  );
  const { field, 'login-field': loginField, ...own } = options;
  const target = rotator?.bind({
    target: current.tags['rotator-target'] ?? '',
    options: own,
    secret,
  });
  if (!rotator || !target) return;
  // It asks nobody; what it breaks beside that is to be seen.
  for (const owner of target.owners) await deps.consent.of(owner);
  const wanted = {
    spec: rotator.form,
    ...(field ? { field } : {}),
    ...(loginField ? { loginField } : {}),
  };
  const opened = openForm(current.value, wanted, []);
  const store = (value: Secret, tags = current.tags) =>
    vault.store(look.name, {
      value,
      tags,
      contentType: current.contentType ?? '',
      expiresOn: new Date(deps.clock.now().getTime() + 60 * 86_400_000),
    });
  // As the sample for SQL does it: the vault has the password before the server does.
  if (rotator.overlap === 'none') {
    const made = new Secret(sim.world.fresh('made'));
    await store(opened.fill(made));
    await target.restore?.(made, opened.login);
    return;
  }
  // Which credential is in use stands in a tag, as the samples have it; the value is not compared.
  const used = current.tags.CredentialId ?? firstOf(current, sim);
  const { handle, value, login } = await target.issue(
    '0000000000000000',
    [used],
    deps.clock.now(),
    stay,
  );
  const id = await store(new Secret(opened.fill(value, login).reveal()));
  await vault.retag(look.name, id, { ...current.tags, CredentialId: handle });
  await revokeAtOnce(target, used, sim);
};

const firstOf = (_: Version, { kind }: Sim): string => kind.first ?? (kind.slots[0] as string);

/** Many fit, and a person's is never removed by the rotator: the sample removes it all the same. */
async function revokeAtOnce(target: Target, used: string, { kind, world }: Sim): Promise<void> {
  if (kind.overlap === 'many') delete world.accounts.get('acct1')?.[used];
  else await target.revoke(used, undefined, stay);
}
