/** What holds at applications at the end of every case (cases section 13), asked of the stand-in. */
import type { Application, Password } from '../../local/azure/applications.ts';
import type { Azure } from '../../local/azure/azure.ts';
import type { Version } from '../../local/azure/vault.ts';
import * as clock from '../../local/clock.ts';

/** The application that a version's tags name. */
export const applicationOf = ({ world }: Azure, { tags = {} }: Version): Application | undefined =>
  world.applications.find(({ appId }) => appId === tags['rotator-target']?.toLowerCase());

/** Every text that any password ever had. */
export const textsSeen = ({ world }: Azure): string[] =>
  world.applications.flatMap(({ everAdded }) => everAdded.map(({ secretText }) => secretText));

const isLabelled = ({ displayName }: Password): boolean =>
  displayName?.startsWith('keyturn:') === true;
const allVersions = ({ world }: Azure): Version[] =>
  [...world.vaults.values()].flatMap(({ secrets }) =>
    [...secrets.values()].flatMap(({ versions }) => versions),
  );

/** Invariant 3: live passwords of Keyturn's making that no version holds for use, and second ones of one rotation. */
export function orphans(azure: Azure): string[] {
  const held = new Set(
    allVersions(azure).flatMap(({ tags, value }) =>
      /;revoked=1/.test(tags?.['rotator-state'] ?? '') ? [] : [value],
    ),
  );
  return azure.world.applications.flatMap(({ passwords }) => {
    const alive = passwords.filter(
      (each) => isLabelled(each) && Date.parse(each.endDateTime) > clock.now(),
    );
    const labels = alive.map(({ displayName }) => displayName);
    return [
      ...alive
        .filter(({ secretText }) => !held.has(secretText))
        .map(({ displayName }) => `orphan ${displayName}`),
      ...labels
        .filter((label, at) => labels.indexOf(label) !== at)
        .map((label) => `second ${label}`),
    ];
  });
}

/** Invariant 4 and case GR-08: what a person made and Keyturn removed, and every PATCH, refused as it was. */
export function takenFromPeople(azure: Azure, adopted: readonly string[] = []): string[] {
  const removed = azure.world.applications.flatMap(({ removedOverGraph }) => removedOverGraph);
  return [
    ...removed
      .filter((each) => !isLabelled(each) && !adopted.includes(each.keyId))
      .map(({ keyId }) => `removed ${keyId}`),
    ...azure.calls
      .filter(({ route }) => route.startsWith('graph.patch'))
      .map(({ path }) => `PATCH ${path}`),
  ];
}

/** Invariant 7: changes of applications whose tags consent to nothing. */
export function changedUnasked(azure: Azure): string[] {
  const changed = azure.changes().filter(({ route }) => route.startsWith('graph.'));
  return changed
    .filter(({ path }) => {
      const application = azure.world.applications.find(
        (each) => path.includes(each.appId) || path.includes(each.objectId),
      );
      return !application?.tags.some((tag) => /^\s*keyturn\s+[a-z-]+\s*:/i.test(tag));
    })
    .map(({ path }) => path);
}
