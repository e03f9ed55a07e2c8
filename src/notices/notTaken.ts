/** A receiver that did not take a notice. */
export class NotTaken extends Error {
  /** Another try of the same helps nothing. */
  readonly final: boolean;
  /** How long the receiver asks to be left alone. */
  readonly retryAfterSeconds: number | undefined;

  /** @param said our own words, or a status: never the receiver's */
  constructor(
    said: string,
    { final = false, retryAfterSeconds }: { final?: boolean; retryAfterSeconds?: number } = {},
  ) {
    super(said);
    this.name = 'NotTaken';
    this.final = final;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
