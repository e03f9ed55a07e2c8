/**
 * What the owner of a resource declares by its tags: `keyturn-consumes: kv-shop/orders-storage, kv-shop/db-*`… is no pattern: a secret
 * by name, or `kv-shop/*` for all of a vault. A tag holds 256 characters (facts-after F3), so that a longer list goes on in
 * `keyturn-consumes-2` to `-9`. An optional `keyturn-consumes-window` says when the resource may be interrupted.
 */
import { SECRET_NAME, type SecretRef, type Tags, tagOf, VAULT_NAME } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import { parseWindow, type Window } from '../tags/window.ts';

export const WINDOW_TAG = 'keyturn-consumes-window';
const TAG = /^keyturn-consumes(-[2-9])?$/i;
/** Of a tag's value in Azure. */
const TEXT_MAX = 256;

export interface Declaration {
  readonly entries: readonly { readonly vault: string; readonly name: string }[];
  readonly window?: Window;
  /** What cannot be read, in words: it gives nothing. */
  readonly problems: readonly string[];
}

/** What the tags declare. An entry that cannot be read gives nothing; a window that cannot be read keeps every call back. */
export function declarationIn(tags: Tags): Declaration {
  const problems: string[] = [];
  const entries: { vault: string; name: string }[] = [];
  for (const [tag, text] of Object.entries(tags).filter(([name]) => TAG.test(name))) {
    const parts = text.length <= TEXT_MAX ? text.split(',') : [];
    if (text.length > TEXT_MAX)
      problems.push(`The tag ${tag.toLowerCase()} is longer than ${TEXT_MAX} characters.`);
    for (const part of parts.map((each) => each.trim()).filter((each) => each !== '')) {
      const [vault = '', name = '', ...rest] = part.split('/');
      if (rest.length === 0 && VAULT_NAME.test(vault) && (name === '*' || SECRET_NAME.test(name)))
        entries.push({ vault: vault.toLowerCase(), name: name.toLowerCase() });
      else
        problems.push(
          `${quote(part)} in the tag ${tag.toLowerCase()} is not understood; expected <vault>/<secret>.`,
        );
    }
  }
  const written = tagOf(tags, WINDOW_TAG);
  const window = written === undefined ? undefined : parseWindow(written.trim());
  if (written !== undefined && !window)
    problems.push(
      `${quote(written)} in the tag ${WINDOW_TAG} is not understood; expected Sat-Sun 01:00-05:00 Europe/Berlin.`,
    );
  return { entries, problems, ...(window ? { window } : {}) };
}

/** Whether the tags carry a window, be it one that can be read or not. */
export const hasWindow = (tags: Tags): boolean => tagOf(tags, WINDOW_TAG) !== undefined;

export const declares = ({ entries }: Declaration, { vault, name }: SecretRef): boolean =>
  entries.some(
    (each) =>
      each.vault === vault.toLowerCase() && (each.name === '*' || each.name === name.toLowerCase()),
  );
