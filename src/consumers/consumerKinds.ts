/** Every kind of consumer that there is. Others may be tagged: they are told of, and never called. */
import { containerApp } from './containerApps.ts';
import type { ConsumerKind } from './kind.ts';
import { namedValue } from './namedValues.ts';
import { site, slot } from './sites.ts';

export const consumerKinds: readonly ConsumerKind[] = [site, slot, namedValue, containerApp];
