/** One request through one service: token, route, script, rights, answer. */
import { openCall } from './calls.ts';
import { type Call, decodeSegment, Refusal, type Reply } from './exchange.ts';
import type { Step } from './faults.ts';
import type { Request, Route, Service } from './service.ts';
import { wait } from './waiting.ts';
import type { World } from './world.ts';

/** `undefined` means: destroy the socket. */
export async function dispatch(
  service: Service,
  sent: Call,
  world: World,
): Promise<Reply | undefined> {
  const call = { ...sent, path: service.pathOf?.(sent.path) ?? sent.path };
  const found = match(service, call);
  const entry = openCall(world.calls, {
    route: found ? found.route.name : `${service.name}.unrouted`,
    method: call.method,
    host: call.host,
    path: sent.path,
    principal: undefined,
    write: found?.route.write ?? false,
    action: found?.route.actionOf?.(call) ?? found?.route.action ?? '',
  });
  const answered = await refusable(async () => {
    const principal = await service.authenticate(call, world).catch((error: unknown) => {
      // The SDK's opening probe is a PUT without a body: no write, and no step of a script (cases 14).
      Object.assign(entry, { route: `${service.name}.challenge`, write: false });
      throw error;
    });
    entry.principal = principal?.oid;
    service.precheck?.(call, world);
    if (!found) return service.unrouted(call);
    const { route, parts } = found;
    const act = async () => {
      const request: Request = { ...call, principal, parts };
      const reply = await refusable(async () => {
        service.authorize?.(request, route, world);
        return await route.handle(request, world);
      });
      entry.applied ||= route.write && reply.status < 400;
      return reply;
    };
    return await withStep(world.faults.take(route.name, call), act, service, world);
  });
  entry.status = answered?.status ?? 0;
  return answered && { ...answered, headers: { ...service.headers?.(call), ...answered.headers } };
}

async function withStep(
  step: Step | undefined,
  act: () => Promise<Reply>,
  service: Service,
  world: World,
): Promise<Reply | undefined> {
  if (!step) return await act();
  if (step.delayMs) await wait(step.delayMs, world.stopping);
  if (step.lateMs !== undefined) {
    world.later(wait(step.lateMs, world.stopping).then(act));
    return undefined;
  }
  const { status } = step;
  const untouched = !step.drop && status === undefined;
  const reply = step.commit || untouched ? await act() : undefined;
  if (step.drop) return undefined;
  return status === undefined ? reply : scripted({ ...step, status }, service);
}

async function refusable<T>(run: () => Promise<T>): Promise<T | Reply> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refusal) return error.reply;
    throw error;
  }
}

function match(service: Service, call: Call): { route: Route; parts: string[] } | undefined {
  for (const route of service.routes) {
    const groups = route.method === call.method ? route.path.exec(call.path) : null;
    if (groups) return { route, parts: groups.slice(1).map((part) => decodeSegment(part ?? '')) };
  }
  return undefined;
}

/** The reply that a step scripts, in the error format of the service. */
export function scripted(step: Step & { status: number }, service: Service) {
  const { status, headers = {}, body } = step;
  if (body !== undefined) return { status, headers, body };
  if (status < 400) return { status, headers };
  const usual = service.error(status, step.code, step.message, step.inner);
  return { ...usual, headers: { ...usual.headers, ...headers } };
}
