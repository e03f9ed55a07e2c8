/** Scripted faults: a list of steps per route, one for each request that got past authentication. */
/** One step. `{}` lets the request through, which gives scripts like 401, fine, 401. */
export interface Step {
  /** Answer this instead of doing anything; with `commit` after doing it. */
  status?: number;
  headers?: Record<string, string>;
  /** The whole body; without it the service's own error for the status, with these members set. */
  body?: unknown;
  code?: string;
  message?: string;
  inner?: string;
  /** Milliseconds of the movable clock before anything happens. */
  delayMs?: number;
  /** Apply the change, whatever is answered. */
  commit?: boolean;
  /** Destroy the socket instead of answering. */
  drop?: boolean;
  /** Destroy the socket now and apply the change this many milliseconds later. */
  lateMs?: number;
  /** Only for requests to hosts that begin so (`kv1.vault`); others pass by without using the step up. */
  host?: string;
}

export class Faults {
  private readonly scripts = new Map<string, Step[]>();
  private readonly outages = new Map<string, Step>();
  private readonly echoes = new Set<string>();
  private readonly known: ReadonlySet<string>;

  constructor(routeNames: Iterable<string>) {
    this.known = new Set(routeNames);
  }

  /** Appends steps to the script of a route. */
  script(route: string, steps: readonly Step[]): void {
    this.check(route);
    this.scripts.set(route, [...(this.scripts.get(route) ?? []), ...steps]);
  }

  /** The same answer for every request until `heal`; a script of the route goes first. */
  outage(route: string, step: Step): void {
    this.check(route);
    this.outages.set(route, step);
  }

  /** Throws every request body of the route back: in the message of a 400 and in a header (cases 12, FN-05). */
  echo(route: string, on = true): void {
    this.check(route);
    if (on) this.echoes.add(route);
    else this.echoes.delete(route);
  }

  /** Ends scripts, outage and echo of a route, or of all. */
  heal(route?: string): void {
    for (const list of [this.scripts, this.outages, this.echoes]) {
      if (route === undefined) list.clear();
      else list.delete(route);
    }
  }

  /** Steps that no request has used up. A test that leaves some did not test what it says. */
  unused(): Record<string, number> {
    return Object.fromEntries(
      [...this.scripts]
        .filter(([, steps]) => steps.length > 0)
        .map(([name, { length }]) => [name, length]),
    );
  }

  take(route: string, { body, host }: { body: string; host: string }): Step | undefined {
    const meant = (step: Step | undefined) =>
      step && (step.host === undefined || host.startsWith(`${step.host}.`));
    const script = this.scripts.get(route);
    if (meant(script?.[0])) return script?.shift();
    if (this.echoes.has(route)) return echoOf(body);
    const outage = this.outages.get(route);
    return meant(outage) ? outage : undefined;
  }

  private check(route: string): void {
    if (!this.known.has(route))
      throw new Error(`No route "${route}". Known: ${[...this.known].sort().join(', ')}.`);
  }
}

function echoOf(body: string): Step {
  const plain = /^[\t\x20-\x7e]*$/.test(body) && body.length < 8_000; // what a header line can hold as it is
  const header = plain ? body : encodeURIComponent(body).slice(0, 8_000);
  return { status: 400, message: `The request was: ${body}`, headers: { 'x-ms-echo': header } };
}
