/**
 * The fewest calls with which the promises of the design can be kept, and what each is for. A step is a look and what it does
 * beyond that. That one answer may tell two things is counted in favour of fewer calls, whether the product does so or not.
 */

/** By route: so many calls, and why fewer would break a promise. */
export interface Least {
  readonly [route: string]: { readonly calls: number; readonly because: string };
}

export type Step = 'look' | 'rotation' | 'proof' | 'revocation';
/** `look`: what any look needs; the others: what the step needs beside it. Without a revocation the rotation was it. */
export type Steps = Readonly<Partial<Record<Step, Least>> & { look: Least }>;

/** Made, and in want of a word why. */
const none = (because: string) => ({ calls: 0, because });
const once = (because: string) => ({ calls: 1, because });
const times = (calls: number, because: string) => ({ calls, because });

/** Of the vault: the same for every kind. */
const vault: Required<Steps> = {
  look: {
    'keyvault.get': once('the current version with its value'),
    'keyvault.versions': once('what is owed is derived from the older versions'),
  },
  rotation: {
    'keyvault.update': once('preflight: a vault that takes no writes is found out first'),
    'keyvault.set': once('value, tags and expiry in one call'),
    'keyvault.get': times(4, 're-read before each of three writes; ours after the store'),
    'keyvault.versions': once('nobody stored in between'),
  },
  proof: {
    'keyvault.update': once('the proof'),
    'keyvault.get': once('re-read before the write'),
  },
  revocation: {
    'keyvault.update': times(2, 'the mark on the old version; the obligation struck off'),
    'keyvault.get': times(4, 'the old value; re-read before each of three writes'),
  },
};

/** Of targets in Resource Manager, whose owners consent by a role assignment. */
const consent: Steps = {
  look: { 'arm.roleAssignments': once('consent may have been withdrawn') },
  revocation: { 'arm.roleAssignments': once('consent, right before') },
};

const ofStorage: Steps = {
  look: {
    'arm.storageAccount': once('addresses and whether keys are allowed'),
    'arm.listKeys': once('names the credential from its value'),
  },
  rotation: {
    'arm.regenerateKey': once('the new credential'),
    'storage.blob': once('used before it is published'),
  },
  proof: { 'storage.blob': once('used again after it is published') },
  revocation: {
    'storage.blob': once('accepted in this very pass'),
    'arm.listKeys': times(2, 'named again, right before; confirmed by reading the target'),
    'arm.regenerateKey': once('the old key is refused from here on'),
  },
};

const ofKeys: Steps = {
  look: {
    'arm.keyedResource': once('hosts and whether keys are allowed'),
    'arm.listResourceKeys': once('names the credential from its value'),
  },
  rotation: {
    'arm.regenerateResourceKey': once('the new credential'),
    'arm.listResourceKeys': once('the new key, which the regeneration does not answer'),
    'arm.keyOperation': none(
      'the list shows the end as well, and no role lets Keyturn read operations',
    ),
  },
  revocation: {
    'arm.listResourceKeys': times(2, 'named again, right before; confirmed by reading the target'),
    'arm.regenerateResourceKey': once('the old key is refused from here on'),
    'arm.keyOperation': none(
      'the list shows the end as well, and no role lets Keyturn read operations',
    ),
  },
};

const ofApplications: Steps = {
  look: {
    'graph.application': once('credentials, and consent in its tags'),
    'entra.token': once('a hint of three characters alone names nothing that a person made'),
    'entra.configuration': none('the identity library asks before each login with a secret'),
  },
  rotation: {
    'graph.addPassword': once('the new credential'),
    'entra.token': times(3, 'three successes in a row before it is published'),
  },
  revocation: {
    'graph.application': times(
      2,
      'named again, with consent, right before; confirmed by reading the target',
    ),
    'graph.removePassword': once('the old client secret is refused from here on'),
    'entra.token': once(
      "an adopted one is removed only when it is the old version's value for certain",
    ),
  },
};

const sqlFacts: Least = {
  'arm.sqlServer': once('host, administrators and whether passwords are allowed'),
  'arm.sqlFailoverGroups': once('partners that keep passwords of their own'),
};
const named = once('names the login and its password by using them');

const ofTwoSqlLogins: Steps = {
  look: { ...sqlFacts, 'tds.login': named },
  rotation: {
    'tds.login': times(
      2,
      "Keyturn's own for the statement; the new password used before it is published",
    ),
    'tds.batch': once('the new password'),
  },
  revocation: {
    'tds.login': times(
      4,
      "the live one, right before; whether the old one still works; Keyturn's own for the statement; the old one is refused",
    ),
    'tds.batch': once('a password that nobody keeps'),
  },
};

const ofOneSqlLogin: Steps = {
  look: { ...sqlFacts, 'tds.login': named },
  rotation: {
    'tds.login': times(
      2,
      "Keyturn's own for the statement; the new password used before it is published",
    ),
    'tds.batch': once('the new password'),
  },
};

const ofSqlAdministrator: Steps = {
  look: { ...sqlFacts, 'tds.login': named },
  rotation: {
    'tds.login': once('the new password used before it is published'),
    'arm.sqlServerUpdate': once('the new password'),
    'arm.sqlOperation': once('whether the change has ended, and how'),
    'arm.sqlOperationResult': none('the SDK reads the server at the end'),
  },
};

/** @param kind as in the routes: each of its calls but the first is a connection of its own */
const ofTwoLogins = (kind: 'postgresql' | 'mysql'): Steps => ({
  look: {
    [`databases.${kind}`]: once('host, administrator and whether passwords are allowed'),
    [`${kind}.facts`]: once('that both logins are there and neither is an administrator'),
    [`${kind}.login`]: named,
  },
  rotation: {
    [`${kind}.login`]: once('the new password used before it is published'),
    [`${kind}.alter`]: once('the new password'),
  },
  revocation: {
    [`${kind}.login`]: times(
      3,
      'the live one, right before; whether the old one still works; the old one is refused',
    ),
    [`${kind}.alter`]: once('a password that nobody keeps'),
  },
});

/** What each kind needs at its target, by the name that `kinds.ts` gives it. */
export const atTargets = {
  ...{ ofStorage, ofKeys, ofApplications, ofTwoSqlLogins, ofOneSqlLogin, ofSqlAdministrator },
  ofPostgresql: ofTwoLogins('postgresql'),
  ofMysql: ofTwoLogins('mysql'),
} as const;

const partsOf = (target: Steps): readonly Steps[] =>
  target === ofApplications ? [vault, target] : [vault, consent, target];

/** What a step of a kind needs beside the look that it begins with; the look itself. */
export const beyondLook = (step: Step, target: Steps): Least =>
  partsOf(target)
    .map((part) => part[step] ?? {})
    .reduce(sum, {});

/** All that a step of a kind needs. */
export const leastOf = (step: Step, target: Steps): Least =>
  step === 'look'
    ? beyondLook(step, target)
    : sum(beyondLook('look', target), beyondLook(step, target));

function sum(base: Least, added: Least): Least {
  const routes = Object.keys({ ...base, ...added });
  return Object.fromEntries(
    routes.map((route) => {
      const parts = [base[route], added[route]].filter((part) => part !== undefined);
      const calls = parts.reduce((total, part) => total + part.calls, 0);
      return [route, { calls, because: parts.map(({ because }) => because).join('; ') }];
    }),
  );
}
