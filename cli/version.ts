/** The release that this is: the bundler puts it in; in a clone it is the clone's. */
import { readFileSync } from 'node:fs';

declare const keyturnVersion: string | undefined;

export const version: string =
  typeof keyturnVersion === 'string'
    ? keyturnVersion
    : String(
        (
          JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
            version: unknown;
          }
        ).version,
      );
