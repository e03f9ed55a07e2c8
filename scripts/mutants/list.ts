/**
 * The mutants: faults that a user would pay for, each with the tests that have to see it. A mutant is found by its code, wherever
 * that stands in `src` or among the scripts of `infra`, so that a file may move; whoever changes the code says here where the fault would stand now.
 */
export interface Mutant {
  readonly id: string;
  /** What a user loses by it. */
  readonly loses: string;
  /** The code, which stands once; how it is broken into lines does not matter. */
  readonly find: string;
  /** The function, class or constant in which it stands, where it stands elsewhere, too. */
  readonly inside?: string;
  readonly put: string;
  /** Test files by name, with their folder where several have it; `simulation/` stands for all of that folder. */
  readonly tests: readonly string[];
  /** One of the short set: told in seconds, and one for each promise. */
  readonly short?: true;
}

export const mutants: readonly Mutant[] = [
  {
    id: 'rate-per-vault',
    loses: 'KEYTURN_RATE for each vault brakes nothing: a faulty apply rotates a whole vault within the hour',
    find: 'if (own >= perVault) return true;',
    put: 'if (own >= perVault && lately.length >= overall) return true;',
    tests: ['reconcile/brake'],
    short: true,
  },
  {
    id: 'guard-opt-in',
    loses: 'the target is changed between mark and store: a new credential of the old target stands under the new tags',
    find: 'now.id !== current.id || !sameOptIn(now.tags, current.tags)',
    put: 'now.id !== current.id',
    tests: ['reconcile/between'],
  },
  {
    id: 'release-any-etag',
    loses: 'a pass that lost its lock frees that of its successor: two passes work on one secret',
    find: 'this.#client.deleteEntity(PARTITION, this.#row, { etag })',
    put: "this.#client.deleteEntity(PARTITION, this.#row, { etag: '*' })",
    tests: ['store/locks'],
  },
  {
    id: 'stale-tags-at-mark',
    loses: 'what the owner tagged just before the rotation is written over by the mark of its beginning',
    find: 'vault.retag(secret.name, fresh.id, withState(fresh.tags, started))',
    put: 'vault.retag(secret.name, fresh.id, withState(seen.current.tags, started))',
    tests: ['reconcile/between'],
  },
  {
    id: 'stale-tags-at-store',
    loses: 'what the owner tagged while the target made the credential is missing on the new version',
    find: 'tags: withState(current.tags, state), ...(current.contentType',
    put: 'tags: withState(seen.current.tags, state), ...(current.contentType',
    tests: ['reconcile/between'],
  },
  {
    id: 'any-proof',
    loses: 'a version copied with its tags counts as proved although nobody tried it',
    find: 'state?.proved === current.id.slice(0, 8)',
    put: 'state?.proved !== undefined',
    tests: ['reconcile/between'],
  },
  {
    id: 'restore-former-target',
    loses: 'the state of a former target is written back to a secret that has another one by now',
    find: '&& !ours && wroteFor(row, tgt)',
    put: '&& !ours',
    tests: ['reconcile/between'],
  },
  {
    id: 'lock-of-its-own-id',
    loses: 'two passes work side by side on failover partners, which hold one key',
    find: 'namesOf(progress.bound.optIn.target)[0]',
    put: 'progress.bound.optIn.target.id',
    tests: ['reconcile/between'],
  },
  {
    id: 'certain-holder',
    loses: 'after an unfinished rotation a neighbour takes the slot that is in flight',
    find: "if (!seen || (attempted ?? step).kind === 'rotate') return;",
    put: 'if (!seen) return;',
    tests: ['reconcile/between'],
  },
  {
    id: 'alerts-forgotten',
    loses: 'every pass that a busy service cuts short raises the same alerts again',
    find: 'if (!seen || error) return true;',
    put: 'if (!seen || error) return false;',
    tests: ['reconcile/between'],
  },
  {
    id: 'revokes-untried',
    loses: 'the current value has broken since it was proved: with the old key goes the last that worked',
    find: 'if (!proves(await optIn.target.check(bare, login))) return inUse;',
    put: '',
    tests: ['reconcile/between'],
  },
  {
    id: 'idempotency-of-all',
    loses: 'who happens to use the same Idempotency-Key gets the operation of somebody else',
    find: '.update(`${caller.oid}\\n${route}\\n',
    put: '.update(`${route}\\n',
    tests: ['functions/operations'],
  },
  {
    id: 'tds-any-certificate',
    loses: 'token and password go to whoever answers under the name of the SQL server',
    find: 'trustServerCertificate: false',
    put: 'trustServerCertificate: true',
    tests: ['azure/impostor'],
  },
  {
    id: 'mysql-any-name',
    loses: "a MySQL server with anybody's valid certificate gets the password",
    find: 'verifyIdentity: true',
    put: 'verifyIdentity: false',
    tests: ['azure/answers'],
  },
  {
    id: 'mysql-any-authority',
    loses: 'a MySQL server with a certificate of its own making gets the password',
    find: 'rejectUnauthorized: true, verifyIdentity: true',
    put: 'rejectUnauthorized: false, verifyIdentity: true',
    tests: ['azure/answers'],
  },
  {
    id: 'postgres-any-authority',
    loses: 'a PostgreSQL server with a certificate of its own making gets the password',
    find: 'const ssl = { rejectUnauthorized: true, ...(ca',
    put: 'const ssl = { rejectUnauthorized: false, ...(ca',
    tests: ['azure/answers'],
  },
  {
    id: 'note-in-clear',
    loses: 'a value that somebody pastes as the reason stays in the audit for good',
    find: '{ note: mask(note) }',
    put: '{ note }',
    tests: ['functions/operations'],
  },
  {
    id: 'ticket-in-clear',
    loses: 'a value that somebody pastes as the ticket stays in the audit for good',
    find: '{ ticket: mask(ticket) }',
    inside: 'notesOf',
    put: '{ ticket }',
    tests: ['functions/operations'],
  },
  {
    id: 'never-revokes',
    loses: 'old credentials live on for ever',
    find: "if (now < revokeOn) return wait(request ? 'owed-first' : 'grace', revokeOn);",
    put: "if (now < revokeOn || !atOnce) return wait(request ? 'owed-first' : 'grace', latest(revokeOn, addHours(now, 1)));",
    tests: ['simulation/'],
  },
  {
    id: 'owner-tags-dropped',
    loses: "every tag of the owner's but those that opt in is gone after a rotation",
    find: 'tags: withState(current.tags, state), ...(current.contentType',
    put: "tags: withState(Object.fromEntries(Object.entries(current.tags).filter(([name]) => name.startsWith('rotator'))), state), ...(current.contentType",
    tests: ['simulation/'],
  },
  {
    id: 'consent-withdrawn',
    loses: "a key is revoked at a target whose owner has withdrawn Keyturn's consent",
    find: 'const grants = await readConsent(seen, deps);',
    inside: 'whyNot',
    put: 'const grants = await readConsent(seen, deps).catch(() => []);',
    tests: ['simulation/'],
  },
];
