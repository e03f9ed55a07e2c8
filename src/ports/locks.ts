/** Who works on a secret or a target: one pass at a time. */
export interface Lock {
  /** Takes 90 s more by ETag; throws `LockLostError` when another took it. Called immediately before every write. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

export interface Locks {
  /**
   * Takes a lock for 90 s of the table service's time, or undefined when another holds it. Expiry is judged by the
   * service's `Date` header, never by a local clock; a lock that ends more than 2 minutes ahead is void (case SEC-07).
   */
  take(key: string): Promise<Lock | undefined>;
}
