/**
 * `az` as the scripts of infra/scripts use it, over a directory in memory. It knows the Graph paths of the scripts and no
 * others; bodies are those of azure-facts 6, unverified there. What is on the PATH asks this process through two pipes.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type Json = unknown;
type Members = Record<string, unknown>;

export interface Service {
  readonly id: string;
  readonly appId: string;
  readonly appRoles: readonly { readonly id: string; readonly value: string }[];
  readonly directoryRoles: readonly string[];
  readonly assignments: Members[];
  readonly azureRoles: readonly { readonly roleDefinitionName: string; readonly scope: string }[];
}
export interface Application extends Members {
  readonly id: string;
  readonly appId: string;
  readonly owners: string[];
  api?: Members;
}
export interface Directory {
  /** Object id of who is signed in; undefined for a service principal. */
  readonly me: string | undefined;
  readonly applications: Application[];
  readonly services: Service[];
  /** Groups and people, by the first segment of their address. */
  readonly others?: readonly {
    readonly kind: 'groups' | 'users';
    readonly id: string;
    readonly assignments: Members[];
  }[];
  /** Refusals that come before the next changes, one each. */
  readonly refusals: string[];
  /** Reads whose path holds this are refused. */
  readonly hidden?: string;
}
/** As Azure Resource Manager has it. */
export interface RoleAssignment {
  readonly name: string;
  readonly scope: string;
  readonly principalId: string;
  readonly roleDefinitionId: string;
  readonly description?: string | null;
  readonly condition?: string;
  readonly conditionVersion?: string;
}
export interface Change {
  readonly method: string;
  readonly path: string;
  readonly body: Members;
}

export const service = (given: Partial<Service> & Pick<Service, 'id' | 'appId'>): Service => ({
  ...{ appRoles: [], directoryRoles: [], assignments: [], azureRoles: [] },
  ...given,
});

class Refused extends Error {}

/** JMESPath as far as the scripts use it: members, `[]`, `[0]` and lists of them. */
export function pick(value: Json, query: string): Json {
  if (query === '') return value;
  if (query.startsWith('[') && !/^\[\d*\]/.test(query)) {
    const end = query.lastIndexOf(']', query.endsWith('][]') ? query.length - 3 : query.length);
    const parts = query.slice(1, end).split(/,(?![^[]*\]\b)/);
    return pick(
      parts.map((part) => pick(value, part)),
      query.slice(end + 1),
    );
  }
  const [, each, index, name = '', rest = ''] =
    /^(?:(\[\])|\[(\d+)\]|([\w$@.]+?)(?=[.[]|$))\.?(.*)$/s.exec(query) ?? [];
  if (each !== undefined) {
    const items = Array.isArray(value) ? value.flat() : [];
    return rest === ''
      ? items.filter((item) => item != null)
      : items.map((item) => pick(item, rest));
  }
  if (index !== undefined)
    return pick(Array.isArray(value) ? value[Number(index)] : undefined, rest);
  return pick(isMembers(value) ? value[name] : undefined, rest);
}

const isMembers = (value: Json): value is Members => typeof value === 'object' && value !== null;

/** Rows and cells as `--output tsv` prints them. */
export function tsv(value: Json): string {
  const cell = (item: Json) => (item === true ? 'True' : item == null ? '' : String(item));
  const rows = Array.isArray(value) ? value : value == null ? [] : [value];
  return rows
    .map((row) => `${Array.isArray(row) ? row.map(cell).join('\t') : cell(row)}\n`)
    .join('');
}

function options(words: readonly string[]): Record<string, string> {
  const pairs = words.flatMap((word, at) =>
    word.startsWith('--') ? [[word.slice(2), words[at + 1] ?? '']] : [],
  );
  return Object.fromEntries(pairs);
}

function get(path: string, data: Directory): Json {
  if (data.hidden !== undefined && path.includes(data.hidden))
    throw new Refused('Forbidden({"error":{}})');
  const filter = /\$filter=(\w+) eq '([^']*)'/.exec(path);
  const matching = <T extends object>(list: readonly T[]) => ({
    value: list.filter((item) =>
      Object.entries(item).some(([key, at]) => key === filter?.[1] && at === filter[2]),
    ),
  });
  const ids = (list: readonly string[]) => ({ value: list.map((id) => ({ id })) });
  const app = data.applications.find(
    ({ id, appId }) => path.includes(id) || path.includes(`appId='${appId}'`),
  );
  const [, kind, otherId] = /^\/(groups|users)\/([^/?]+)/.exec(path) ?? [];
  const other = data.others?.find((each) => each.kind === kind && each.id === otherId);
  if (kind !== undefined && !other) throw new Refused(`Not Found: ${path}`);
  const principal =
    other ??
    data.services.find(({ id, appId }) => path.includes(id) || path.includes(`appId='${appId}'`));
  if (path.startsWith('/me')) {
    if (data.me === undefined)
      throw new Refused('/me request is only valid with delegated authentication flow.');
    return { id: data.me };
  }
  if (path.startsWith('/applications?')) return matching(data.applications);
  if (path.startsWith('/servicePrincipals?')) return matching(data.services);
  if (/^\/applications\/[^/]+\/owners/.test(path) && app) return ids(app.owners);
  if (path.includes('/appRoleAssignments') && principal) return { value: principal.assignments };
  if (path.includes('/transitiveMemberOf/') && principal && 'directoryRoles' in principal)
    return { value: principal.directoryRoles.map((displayName) => ({ displayName })) };
  const found = path.startsWith('/applications') ? app : principal;
  if (!found) throw new Refused(`Not Found: ${path}`);
  return found;
}

function change({ method, path, body }: Change, data: Directory): Json {
  const refusal = data.refusals.shift();
  if (refusal !== undefined) throw new Refused(refusal);
  const made = (count: number) => `aaaaaaaa-0000-4000-8000-00000000000${count}`;
  if (method === 'post' && path === '/applications') {
    const app = {
      ...body,
      id: made(1),
      appId: made(2),
      owners: data.me === undefined ? [] : [data.me],
    };
    data.applications.push(app);
    return app;
  }
  if (method === 'post' && path === '/servicePrincipals') {
    data.services.push(service({ id: made(3), appId: String(body.appId) }));
    return undefined;
  }
  const app = data.applications.find(
    ({ id, appId }) => path.includes(id) || path.includes(`appId='${appId}'`),
  );
  const principal = [...data.services, ...(data.others ?? [])].find(({ id }) => path.includes(id));
  const [, assignment] = /\/appRoleAssignments\/([^/]+)$/.exec(path) ?? [];
  if (method === 'delete' && assignment !== undefined && principal) {
    const at = principal.assignments.findIndex(({ id }) => id === assignment);
    if (at === -1) throw new Refused(`Not Found: ${path}`);
    principal.assignments.splice(at, 1);
    return undefined;
  }
  if (method === 'patch' && app) {
    Object.assign(app, body, isMembers(body.api) ? { api: { ...app.api, ...body.api } } : {});
    return undefined;
  }
  if (method === 'post' && path.endsWith('/owners/$ref') && app) {
    app.owners.push(String(body['@odata.id']).split('/').at(-1) ?? '');
    return undefined;
  }
  if (method === 'post' && path.endsWith('/appRoleAssignments') && principal) {
    const { appRoleId, resourceId } = body;
    principal.assignments.push({
      id: `made_${principal.assignments.length}-x`,
      appRoleId,
      resourceId,
    });
    return body;
  }
  throw new Refused(`No such route: ${method} ${path}`);
}

const ARM = 'https://arm.example';
/** `GET {scope}/…/roleAssignments?$filter=principalId eq …` shows those at, above and below the scope; each by name as well. */
function assignmentsAt(path: string, all: readonly RoleAssignment[]): Json {
  const [, scope = '', name] =
    /^(\/.*)\/providers\/Microsoft\.Authorization\/roleAssignments(?:\/([^?]+))?\?/i.exec(path) ??
    [];
  const shown = ({ name, ...properties }: RoleAssignment) => ({ name, properties });
  const within = (one: string, other: string) =>
    `${one}/`.toLowerCase().startsWith(`${other}/`.toLowerCase());
  if (name === undefined) {
    const principal = /\$filter=principalId eq '([^']+)'/.exec(path)?.[1];
    const found = all.filter((each) => within(each.scope, scope) || within(scope, each.scope));
    return { value: found.filter(({ principalId }) => principalId === principal).map(shown) };
  }
  const found = all.find(
    (each) => each.name === name && each.scope.toLowerCase() === scope.toLowerCase(),
  );
  if (!found) throw new Refused(`RoleAssignmentNotFound: ${path}`);
  return shown(found);
}

/** A directory, an `az` over it, and what was changed through it. */
export class FakeAz {
  assignments: RoleAssignment[] = [];
  /** The role that deployments of a template make. */
  deployedRole = '55555555-0000-4000-8000-000000000005';
  readonly deployments: Record<string, string>[] = [];
  /** Before each request to Resource Manager: what others do meanwhile. */
  meanwhile: (method: string, path: string) => void = () => {};
  directory: Directory = { me: undefined, applications: [], services: [], refusals: [] };
  readonly changes: Change[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    const ask = `printf '%s\\0' "$@" >'${this.#pipe('request')}'`;
    const told = `{ read -r code; if [ "$code" = 0 ]; then cat; else cat >&2; fi; } <'${this.#pipe('answer')}'`;
    writeFileSync(join(folder, 'az'), `#!/bin/sh\n${ask}\n${told}\nexit "$code"\n`);
    chmodSync(join(folder, 'az'), 0o755);
    spawnSync('mkfifo', [this.#pipe('request'), this.#pipe('answer')]);
  }

  /** Runs a script with this `az` first on its PATH. */
  async run(script: string, ...words: string[]) {
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const env = {
      ...inherited,
      PATH: `${this.#folder}:${process.env.PATH}`,
      KEYTURN_RETRY_SECONDS: '0',
    };
    const child = spawn('bash', [script, ...words], { env });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const serving = this.#serve();
    const status = await ended;
    await writeFile(this.#pipe('request'), END);
    await serving;
    return { status, ...output };
  }

  async #serve(): Promise<void> {
    for (;;) {
      const asked = await readFile(this.#pipe('request'), 'utf8');
      if (asked === END) return;
      await writeFile(this.#pipe('answer'), this.#answer(asked.split('\0').slice(0, -1)));
    }
  }

  /** The exit code on the first line, and what goes to stdout or, with 1, to stderr. */
  #answer(words: readonly string[]): string {
    try {
      return `0\n${tsv(this.#ask(words))}`;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return `1\nERROR: ${error.message}\n`;
    }
  }

  #ask(words: readonly string[]): Json {
    const { method = '', url = '', body = '', query = '', assignee } = options(words);
    const endpoints = {
      microsoftGraphResourceId: 'https://graph.example/',
      resourceManager: `${ARM}/`,
    };
    if (words[0] === 'cloud') return pick({ endpoints }, query);
    if (words.slice(0, 3).join(' ') === 'deployment group create') {
      this.deployments.push(options(words));
      return pick({ properties: { outputs: { roleId: { value: this.deployedRole } } } }, query);
    }
    if (url.startsWith(ARM))
      return this.#arm(method, decodeURIComponent(url.slice(ARM.length)), body, query);
    if (words.slice(0, 3).join(' ') === 'role assignment list')
      return pick(
        this.directory.services.find(({ id }) => id === assignee)?.azureRoles ?? [],
        query,
      );
    if (words[0] !== 'rest') throw new Refused(`No such command: ${words.join(' ')}`);
    const path = decodeURIComponent(url.replace('https://graph.example/v1.0', ''));
    if (method === 'get') return pick(get(path, this.directory), query);
    const asked = { method, path, body: body === '' ? {} : JSON.parse(body) };
    this.changes.push(asked);
    const changed = change(asked, this.directory);
    return query === '' ? undefined : pick(changed, query);
  }

  #arm(method: string, path: string, body: string, query: string): Json {
    this.meanwhile(method, path);
    if (method === 'get') return pick(assignmentsAt(path, this.assignments), query);
    const [, scope = '', name = ''] =
      /^(\/.*)\/providers\/Microsoft\.Authorization\/roleAssignments\/([^?]+)\?/i.exec(path) ?? [];
    const { properties } = JSON.parse(body);
    const twin = (each: RoleAssignment) =>
      [each.scope, each.principalId, each.roleDefinitionId].join().toLowerCase() ===
      [scope, properties.principalId, properties.roleDefinitionId].join().toLowerCase();
    if (this.assignments.some((each) => twin(each) && each.name !== name))
      throw new Refused('RoleAssignmentExists');
    this.changes.push({ method, path, body: properties });
    this.assignments = [
      ...this.assignments.filter((each) => each.name !== name),
      { ...properties, name, scope },
    ];
    return undefined;
  }

  #pipe(name: string): string {
    return join(this.#folder, name);
  }
}
const END = 'end';
