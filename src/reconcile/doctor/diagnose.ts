/** The doctor for one secret, asked by a person: a look of its own, without locks, and every question after it. */
import type { Diagnosis } from '../../core/diagnosis.ts';
import { KeyturnError } from '../../core/errors.ts';
import type { SecretRef } from '../../core/ids.ts';
import type { Deps } from '../../ports/deps.ts';
import { aboutSecret, remedyFor } from '../../tags/about.ts';
import { doctorsCheckOf } from '../checks.ts';
import { readConsent } from '../observe/consented.ts';
import { observeTarget } from '../observe/observeTarget.ts';
import type { BoundSecret, Trail } from '../observe/observeVault.ts';
import { examine } from './doctor.ts';

/** Throws only what is not understood. */
export async function diagnose(bound: BoundSecret, deps: Deps): Promise<readonly Diagnosis[]> {
  const trail: Trail = {};
  try {
    const grants = await readConsent(bound, deps);
    trail.consented = true;
    const seen = await observeTarget(bound, grants, deps, trail);
    return await examine({ bound, seen, inspected: trail.inspected, consented: true }, deps);
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    const { inspected, consented = false } = trail;
    return await examine({ bound, error, inspected, consented }, deps);
  }
}

/** Of a secret whose tags do not bind: what is wrong with them, and that the rest waits for it. */
export async function diagnoseUnbound(
  secret: SecretRef,
  {
    wrong,
    row,
    current,
  }: { readonly wrong: KeyturnError } & Omit<Parameters<typeof aboutSecret>[0], 'bound' | 'secret'>,
  deps: Deps,
): Promise<readonly Diagnosis[]> {
  const { reason, detail } = wrong;
  const about = aboutSecret({ secret, row, current }, deps);
  const { by, remedy } = remedyFor(reason, secret, about, deps);
  const check = doctorsCheckOf(reason);
  const vault = await deps.rights?.vault(secret.vault);
  const state =
    vault && ({ ok: 'ok', problem: 'problem', 'cannot tell': 'cannot-tell' } as const)[vault.state];
  return [
    { check, outcome: 'problem', reason, detail, remedy, who: by },
    {
      ...{ check: 'target', outcome: 'cannot-tell', reason: 'not-told' },
      detail: 'What the target would say is asked once the tags bind.',
    },
    ...(vault && state ? [ofVault(vault, state, secret, deps)] : []),
  ];
}

function ofVault(
  {
    what,
    reason,
    detail,
    command,
  }: { what: string; reason?: Diagnosis['reason']; detail?: string; command?: string },
  outcome: Diagnosis['outcome'],
  secret: SecretRef,
  deps: Deps,
): Diagnosis {
  const said = detail === undefined ? what : `${what}: ${detail}`;
  if (outcome !== 'problem' || reason === undefined)
    return { check: 'rights', outcome, detail: said };
  const { by, remedy } = remedyFor(reason, secret, {}, deps);
  return { check: 'rights', outcome, reason, detail: said, remedy: command ?? remedy, who: by };
}
