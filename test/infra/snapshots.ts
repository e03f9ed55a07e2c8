/** The golden snapshots of infra/snapshots and the compiled templates, as tests read them; `npm run infra` keeps both true. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export const infra = join(import.meta.dirname, '../../infra');

const Predicted = z.object({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  location: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});
export type Predicted = z.infer<typeof Predicted>;
const Snapshot = z.object({ predictedResources: z.array(z.looseObject(Predicted.shape)) });

export const readJson = (file: string): unknown =>
  JSON.parse(readFileSync(join(infra, file), 'utf8'));

/** The resources that a deployment would make. */
export const snapshot = (name: string): readonly Predicted[] =>
  Snapshot.parse(readJson(`snapshots/${name}.snapshot.json`)).predictedResources;

export const snapshotNames = readdirSync(join(infra, 'snapshots'))
  .filter((file) => file.endsWith('.snapshot.json'))
  .map((file) => file.replace('.snapshot.json', ''));
/** Those of main.bicep. */
export const deployments = ['public', 'private', 'landing-zone', 'usgov'];
export const privateDeployments = deployments.filter((name) => name !== 'public');

export const ofType = (resources: readonly Predicted[], type: string): readonly Predicted[] =>
  resources.filter((resource) => resource.type.toLowerCase() === type.toLowerCase());

/** Every text in a document, with the path to it. */
export function textsIn(
  value: unknown,
  path = '',
): readonly { readonly path: string; readonly text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => textsIn(part, `${path}/${key}`));
}

/** Every template in a compiled file: the file itself and those nested in it. */
export interface Template {
  readonly outputs?: Readonly<Record<string, { readonly value: unknown }>>;
  readonly resources: unknown;
}
export function templatesIn(value: unknown): readonly Template[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = '$schema' in value && 'resources' in value ? [value as Template] : [];
  return [...own, ...Object.values(value).flatMap(templatesIn)];
}
export const compiled = readdirSync(join(infra, 'compiled'));
