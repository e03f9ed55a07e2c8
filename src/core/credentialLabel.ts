/** The name under which Keyturn's credentials stand at targets that take many: `keyturn:<vault>/<secret>:<rotation>`. */
import { createHash } from 'node:crypto';
import type { RotationId, SecretRef } from './ids.ts';

/**
 * Microsoft documents for the display name of a key credential "a maximum length of 90 characters. Longer values are accepted
 * but shortened"; for a password nothing is documented, so the same is taken. Shortened, a label would lose its rotation.
 */
const NAME_MAX = 90;
const ROTATION = /^[0-9a-f]{16}$/;
const HASH_LENGTH = 16;

/** The label of a rotation of this secret. */
export const credentialLabel = (secret: SecretRef, rotation: RotationId): string =>
  prefixOf(secret) + rotation;

/** The rotation in a label of this very secret; undefined for every other name. */
export function rotationInLabel(secret: SecretRef, name: string): RotationId | undefined {
  const prefix = prefixOf(secret);
  const rest = name.slice(prefix.length);
  return name.startsWith(prefix) && ROTATION.test(rest) ? rest : undefined;
}

/** A label of Keyturn's, whichever secret it is for. */
export const isCredentialLabel = (name: string): boolean =>
  /^keyturn:[^/]+\/[^:]+:[0-9a-f]{16}$/.test(name);

/** A long name is cut and told from others by a hash behind `~`, which no name of a secret holds. */
function prefixOf(secret: SecretRef): string {
  const vault = secret.vault.toLowerCase();
  const name = secret.name.toLowerCase();
  const whole = `keyturn:${vault}/${name}`;
  const room = NAME_MAX - 1 - 16; // the colon and the rotation
  if (whole.length <= room) return `${whole}:`;
  const hash = createHash('sha256').update(`${vault}\n${name}`).digest('hex').slice(0, HASH_LENGTH);
  return `${whole.slice(0, room - 1 - HASH_LENGTH)}~${hash}:`;
}

/** An application has three ids, and portals show them side by side (finding COR-08). */
export const notTheAppId = (objectId: string, appId: string): string =>
  `The tag rotator-target is ${objectId}: that is an object id, the application (client) id is wanted: ${appId}.`;
