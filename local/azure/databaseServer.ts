/** A flexible server of PostgreSQL or MySQL, as ARM shows it. */

export interface DatabaseServerOptions {
  readonly kind: 'postgresql' | 'mysql';
  readonly name: string;
  readonly administrator?: string;
  /** `Disabled`: Entra's tokens alone. PostgreSQL only. */
  readonly passwordAuth?: 'Enabled' | 'Disabled';
  /** Instead of Azure's host. */
  readonly host?: string;
  /** Description of Keyturn's role assignment there. */
  readonly consent?: string;
}

export interface DatabaseServer extends DatabaseServerOptions {
  readonly id: string;
}
