/**
 * The parts of the release as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json): every package that the lock file calls for at
 * run time. The bundle holds what is used of them. Made here since `npm sbom --omit dev` (npm 11.19.1) leaves out 90 of the 124
 * packages, and @azure/identity, @azure/functions, mysql2 and tedious are among them.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

const Lock = z.object({
  name: z.string(),
  version: z.string(),
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      optional: z.boolean().optional(),
    }),
  ),
});
type Package = z.infer<typeof Lock>['packages'][string];

const FOLDER = 'node_modules/';
/** Declarations, which are no code. */
const TYPES = /node_modules\/@types\/[^/]+$/;

/** The document; the same for the same lock file and package, so it carries no time. */
export function sbom(
  lockText: string,
  archive: { readonly name: string; readonly sha256: string },
): object {
  const { name, version, packages } = Lock.parse(JSON.parse(lockText));
  const parts = Object.entries(packages)
    .filter(
      ([path, { dev, devOptional }]) =>
        path.startsWith(FOLDER) && !TYPES.test(path) && !dev && !devOptional,
    )
    .map(([path, found]) => component(path.slice(path.lastIndexOf(FOLDER) + FOLDER.length), found));
  const components = [...new Map(parts.map((part) => [part['bom-ref'], part])).values()].sort(
    (one, other) => (one['bom-ref'] < other['bom-ref'] ? -1 : 1),
  );
  const own = `pkg:npm/${name}@${version}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(`${archive.sha256}\n${lockText}`)}`,
    version: 1,
    metadata: {
      component: {
        ...{ type: 'application', 'bom-ref': own, name, version, purl: own },
        hashes: [{ alg: 'SHA-256', content: archive.sha256 }],
        properties: [{ name: 'keyturn:archive', value: archive.name }],
      },
    },
    components,
    dependencies: [{ ref: own, dependsOn: components.map((part) => part['bom-ref']) }],
  };
}

function component(name: string, { version = '', integrity, license }: Package) {
  const purl = `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
  const [, algorithm, digest = ''] = /^(sha\d+)-([\w+/=]+)/.exec(integrity ?? '') ?? [];
  const hashes = {
    alg: algorithm?.replace('sha', 'SHA-'),
    content: Buffer.from(digest, 'base64').toString('hex'),
  };
  return {
    ...{ type: 'library', 'bom-ref': purl, name, version, purl },
    ...(algorithm === undefined ? {} : { hashes: [hashes] }),
    ...(license === undefined ? {} : { licenses: [licenseOf(license)] }),
  };
}

const licenseOf = (license: string) =>
  /\s/.test(license) || license.startsWith('(')
    ? { expression: license }
    : { license: { id: license } };

/** A UUID of version 8: ours, from a hash. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
