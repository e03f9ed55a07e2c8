/** All commands, in the order in which help and pages show them. */
import { completionOf } from './commands/completion.ts';
import { doctor } from './commands/doctor.ts';
import { freeze, hold, resume } from './commands/hold.ts';
import { list } from './commands/list.ts';
import { open } from './commands/open.ts';
import { ready } from './commands/ready.ts';
import { report } from './commands/report.ts';
import { leaked, plan, revoke, rotate, undo } from './commands/rotate.ts';
import { history, show } from './commands/show.ts';
import { suggest } from './commands/suggest.ts';
import { exempt, tag } from './commands/tag.ts';
import { who } from './commands/who.ts';
import type { CommandSpec, OfflineSpec } from './spec.ts';

export const commands: readonly (CommandSpec | OfflineSpec)[] = [
  ...[
    list,
    show,
    plan,
    doctor,
    rotate,
    revoke,
    leaked,
    undo,
    hold,
    resume,
    freeze,
    history,
    who,
    suggest,
    tag,
    exempt,
    ready,
    report,
    open,
  ],
  completionOf(() => commands),
];
