/** What a service of the stand-in is: its routes, and who may come in. */
import type { Call, Reply, Source } from './exchange.ts';
import type { Principal } from './principals.ts';
import type { World } from './world.ts';

export interface RouteInfo {
  /** `plane.verb`: the name that faults, echo and the log use. */
  name: string;
  method: string;
  /** Matched against the path; its groups become `parts`. */
  path: RegExp;
  /** Whether it changes a vault or a target. `listKeys` is a POST and changes nothing. */
  write: boolean;
  /** What the caller must have been granted; empty where the service asks for nothing. */
  action: string;
  source: Source;
  reference: string;
}

export interface Request extends Call {
  principal: Principal | undefined;
  /** The groups of the route's path, decoded. */
  parts: string[];
}

export interface Route extends RouteInfo {
  /** The action where one route serves many types. */
  actionOf?(call: Call): string;
  handle(request: Request, world: World): Reply | Promise<Reply>;
}

/** One Azure service: who may come in, what it answers to, and how it says no. */
export interface Service {
  name: string;
  routes: readonly Route[];
  /** Throws a `Refusal` with the service's own challenge; undefined where the service takes anonymous calls. */
  authenticate(call: Call, world: World): Promise<Principal | undefined>;
  /** What is checked between token and route, for example `api-version`. */
  precheck?(call: Call, world: World): void;
  /** Throws a `Refusal` when the principal lacks the route's action over what the path names. */
  authorize?(request: Request, route: Route, world: World): void;
  /** The path that routes and handlers see; as it was sent where absent. */
  pathOf?(path: string): string;
  /** The service's error body; `code` and `inner` default to what it says for this status. */
  error(status: number, code?: string, message?: string, inner?: string): Reply;
  /** No route has this path and method. */
  unrouted(call: Call): Reply;
  /** Headers that every reply of the service carries. */
  headers?(call: Call): Record<string, string>;
}

/** A data plane: a service that is found by the label of its hosts, `<name>.<label>.keyturn.localhost`. */
export interface Plane {
  readonly label: string;
  /** Of the tokens that it takes: what the tenant issues some for. */
  readonly audience: string;
  readonly service: Service;
  /** Its name in `planes` of the product's endpoints; absent where it has a member of its own there. */
  readonly member?: string;
}
