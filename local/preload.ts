/** `node --import ./local/preload.ts`: names and certificates of the local tenant work in any program. */
import { existsSync, readFileSync } from 'node:fs';
import { mapLocalhost, trust } from './names.ts';

/** Where the local tenant keeps its authority. On the very first start it makes the file later and calls `trust` itself. */
const authority = new URL('../.keyturn/certs/ca.pem', import.meta.url);

mapLocalhost();
if (existsSync(authority)) trust(readFileSync(authority, 'utf8'));
