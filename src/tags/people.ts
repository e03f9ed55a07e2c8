/**
 * Who may see a vault's secrets, and rotate them, without a role in the whole instance: the vault's ARM tags `keyturn-readers` and
 * `keyturn-operators` name people, groups and applications by object id.
 */
import { type Tags, tagOf } from '../core/ids.ts';
import { quote } from '../core/quote.ts';

export const PEOPLE_TAGS = { readers: 'keyturn-readers', operators: 'keyturn-operators' } as const;
export type VaultRight = keyof typeof PEOPLE_TAGS;

const OBJECT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const entriesOf = (tags: Tags, tag: string): readonly string[] =>
  (tagOf(tags, tag) ?? '').split(/[\s,;]+/).filter((entry) => entry !== '');

/**
 * What the vault lets these ids do; operators read, too. An entry that is no object id gives nobody anything: a name that stands
 * there would be whoever calls themselves so.
 *
 * @param ids of the caller and its groups, in lower case
 */
export function rightIn(tags: Tags, ids: readonly string[]): VaultRight | undefined {
  const names = (right: VaultRight) =>
    entriesOf(tags, PEOPLE_TAGS[right]).some(
      (entry) => OBJECT_ID.test(entry) && ids.includes(entry.toLowerCase()),
    );
  if (names('operators')) return 'operators';
  return names('readers') ? 'readers' : undefined;
}

/** What stands in these tags and is no object id, in a sentence; undefined where all is well. */
export function wrongPeople(tags: Tags): string | undefined {
  const wrong = Object.values(PEOPLE_TAGS).flatMap((tag) =>
    entriesOf(tags, tag)
      .filter((entry) => !OBJECT_ID.test(entry))
      .map(
        (entry) =>
          `The tag ${tag} of the vault has ${quote(entry)}; expected object ids, separated by blanks or commas.`,
      ),
  );
  return wrong[0];
}
