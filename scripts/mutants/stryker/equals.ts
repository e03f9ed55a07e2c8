/** Stryker's mutants that no user could see: they do the same in another way. Each is known by its code, and says why. */

interface Equal {
  readonly part: string;
  /** Of the line on which it begins; all such lines of the part are meant. */
  readonly code: string;
  readonly was: string;
  readonly is: string;
  readonly why: string;
}

const MARKED = '["Stryker was here"]';
const GROUPS = 'of a match only the groups are read, which begin behind the first place';
const DECODING = 'decoding throws nothing else';
const ZONES = 'a format of an unknown zone throws nothing else';
const KEPT = 'what was read is kept for speed alone';

export const equals: readonly Equal[] = [
  { part: 'tags', code: 'exec(text) ?? []', was: '[]', is: MARKED, why: GROUPS },
  {
    part: 'tags',
    code: 'error instanceof URIError',
    was: 'error instanceof URIError',
    is: 'true',
    why: DECODING,
  },
  {
    part: 'tags',
    code: 'error instanceof RangeError',
    was: 'error instanceof RangeError',
    is: 'true',
    why: ZONES,
  },
  { part: 'tags', code: 'read.has(text)', was: 'read.has(text)', is: 'false', why: KEPT },
  { part: 'tags', code: 'read.set(text', was: 'read.set(text, state);', is: ';', why: KEPT },
  { part: 'tags', code: 'formats.delete(zone)', was: 'formats.delete(zone);', is: ';', why: KEPT },
  { part: 'consent', code: 'ENTRY.exec(text) ?? []', was: '[]', is: MARKED, why: GROUPS },
  { part: 'form', code: 'exec(pair) ?? []', was: '[]', is: MARKED, why: GROUPS },
  {
    ...{
      part: 'locks',
      code: 'client.createTable()',
      was: '() => client.createTable()',
      is: '() => undefined',
    },
    why: 'a table that is missing is made by whoever meets it (finding SRV-10)',
  },
  {
    ...{
      part: 'locks',
      code: "typeof holder === 'string'",
      was: "typeof holder === 'string'",
      is: 'true',
    },
    why: 'nothing but a text is of 32 hex digits',
  },
];
