/** A text opened at its credential: what every dialect of connection strings gives the form. */
export interface OpenText {
  readonly form: 'bare' | 'connection-string' | 'json';
  readonly bare: string;
  readonly login?: string;
  /** The text with another credential, and login where it carries one, and everything else byte for byte. */
  fill(bare: string, login?: string): string;
}
