/** The freeze of `frozen.ts` with forty secrets; with five thousand: `frozenMany.test.ts`. */
import { frozenAndReleased } from './frozen.ts';

frozenAndReleased({ many: 40, vaults: 2 });
