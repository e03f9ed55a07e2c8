/** All walks; those that take the longest come first. */
import { answers } from './answers.ts';
import { crashes } from './crashes.ts';
import { everything } from './everything.ts';
import { people } from './people.ts';
import { rare } from './rare.ts';
import { settings } from './settings.ts';
import { sideBySide } from './sideBySide.ts';
import type { Walk } from './walk.ts';

export const walks: readonly Walk[] = [
  ...crashes,
  ...everything,
  ...answers,
  ...sideBySide,
  ...settings,
  ...rare,
  ...people,
];

/** What names a walk among all. */
export const nameOf = ({ kind, title }: Walk): string => `${kind}: ${title}`;
