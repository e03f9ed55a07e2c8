/** The shapes in which one and the same event has been seen, or may come (cases EG-01, EG-02; section 12, no. 5). */
export const kv1 =
  '/subscriptions/00000000-0000-4000-8000-000000000004/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1';
export const topic = kv1;
const version = '0123456789abcdef0123456789abcdef';
export const look = { vault: 'kv1', name: 'db', version, cause: 'event' };

const type = 'Microsoft.KeyVault.SecretNearExpiry';
const id = `https://kv1.vault.azure.net/secrets/db/${version}`;
const pascal = {
  Id: id,
  VaultName: 'kv1',
  ObjectType: 'Secret',
  ObjectName: 'db',
  Version: version,
  NBF: null,
  EXP: 1788134400,
};
const camel = {
  id,
  vaultName: 'kv1',
  objectType: 'Secret',
  objectName: 'db',
  version,
  nbf: null,
  exp: 1788134400,
};
const envelope = {
  id: '1',
  topic,
  subject: 'db',
  eventType: type,
  eventTime: '2027-01-01T00:00:00Z',
  dataVersion: '1',
  metadataVersion: '1',
};
const cloudEvent = {
  specversion: '1.0',
  id: '1',
  type,
  source: topic,
  subject: 'db',
  time: '2027-01-01T00:00:00Z',
};
const { dataVersion: _, ...undated } = envelope;
const { Id: __, ...withoutId } = pascal;

export interface Body {
  readonly title: string;
  readonly event: object;
  /** False when the body names no version. */
  readonly version?: false;
}

const drafts: readonly Body[] = [
  { title: 'Pascal case', event: { ...envelope, data: pascal } },
  { title: 'camel case', event: { ...envelope, data: camel } },
  {
    title: 'mixed case',
    event: { ...envelope, data: { ID: id, vaultname: 'kv1', ObjectType: 'secret' } },
  },
  {
    title: 'a blank in a key',
    event: { ...envelope, data: { ...withoutId, ObjectName: undefined, 'ObjectName ': 'db' } },
  },
  {
    title: 'a blank in the version',
    event: { ...envelope, data: { ...withoutId, Version: ` ${version}` } },
  },
  { title: 'EXP as text', event: { ...envelope, data: { ...pascal, EXP: '1788134400' } } },
  { title: 'EXP null', event: { ...envelope, data: { ...pascal, EXP: null } } },
  { title: 'EXP absent', event: { ...envelope, data: { ...pascal, EXP: undefined } } },
  { title: 'a CloudEvent', event: { ...cloudEvent, data: pascal } },
  { title: 'no dataVersion', event: { ...undated, data: pascal } },
  {
    title: 'unknown fields',
    event: { ...envelope, region: 'x', data: { ...pascal, Colour: { deep: [1] } } },
  },
  { title: 'an Id alone', event: { ...envelope, data: { Id: id } } },
  {
    title: 'a vault in capitals',
    event: { ...envelope, topic: topic.toUpperCase(), data: { ...pascal, VaultName: 'KV1' } },
  },
  {
    title: 'an Id without a version',
    event: { ...envelope, data: { Id: id.slice(0, -version.length - 1) } },
    version: false,
  },
];

/** As they arrive: what JSON cannot say is not there. */
export const bodies: readonly Body[] = drafts.map((body) => ({
  ...body,
  event: JSON.parse(JSON.stringify(body.event)),
}));
