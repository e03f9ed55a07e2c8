/** Who is told of a notice: by owner, vault, type and severity; people of what needs one, programs of everything. */
import { SEVERITIES, type Severity } from '../core/noticeTypes.ts';
import type { NotifyRoute, NotifySettings, NotifySink } from '../core/notify.ts';
import type { Notice } from '../ports/notices.ts';

/** What a sink is told of where its setting says nothing: programs of everything, people of what is more than news. */
const quietest = ({ kind, severity }: NotifySink): Severity =>
  severity ?? (kind === 'eventgrid' || kind === 'webhook' ? 'info' : 'warning');

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);

/**
 * The names of the sinks of all routes that fit; of the default where none does. A route that names the severity, or the type,
 * leads to its sinks whatever they are told by themselves.
 */
export function sinksFor(
  notice: Notice,
  { sinks, routes, default: rest }: NotifySettings,
): readonly string[] {
  const fitting = routes.filter((route) => fits(route, notice));
  const named = fitting.length > 0 ? fitting : [{ to: rest }];
  const wanted = new Set(
    named.flatMap((route) => {
      const isSaid = 'type' in route || 'severity' in route;
      return route.to.filter((name) => {
        const sink = sinks.find((each) => each.name === name);
        return sink !== undefined && (isSaid || rank(notice.severity) >= rank(quietest(sink)));
      });
    }),
  );
  return sinks.map(({ name }) => name).filter((name) => wanted.has(name));
}

function fits({ owner, vault, type, severity }: NotifyRoute, notice: Notice): boolean {
  return (
    (owner === undefined || owner.some((each) => matches(each, notice.owner ?? ''))) &&
    (vault === undefined || vault.some((each) => matches(each, notice.vault))) &&
    (type === undefined || type.includes(notice.type)) &&
    (severity === undefined || rank(notice.severity) >= rank(severity))
  );
}

/** In any case; `*` at the end stands for the rest. */
function matches(pattern: string, text: string): boolean {
  const [wanted, given] = [pattern.toLowerCase(), text.toLowerCase()];
  return wanted.endsWith('*') ? given.startsWith(wanted.slice(0, -1)) : given === wanted;
}
