/** Whose a vault is: its ARM tag `keyturn` names the one instance that serves it (design section 6). */
import { type Tags, tagOf } from './ids.ts';

/** The instance that the tag names, as it is written there. */
export const instanceIn = (tags: Tags): string | undefined => tagOf(tags, 'keyturn');

/** Names differ in more than capitals and blanks at the ends, which a tag keeps as they were typed. */
export const isInstance = (named: string | undefined, instance: string): boolean =>
  named?.trim().toLowerCase() === instance.toLowerCase();

/** Another one serves the vault; a vault that names none is served by whoever lists it. */
export function isOthers(tags: Tags, instance: string): boolean {
  const named = instanceIn(tags);
  return named !== undefined && !isInstance(named, instance);
}
