/** App settings and host.json. */
import { existsSync, readFileSync } from 'node:fs';
import type { QueueOptions } from './queues.ts';

/** The part of host.json that the local host heeds. */
export type HostJson = {
  extensions?: { http?: { routePrefix?: string }; queues?: Partial<QueueOptions> };
};

/** Puts app settings into `process.env`, as the host does for its worker; `restore` brings back what was there. */
export function setEnvironment(env: Record<string, string>): { restore(): void } {
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  return {
    restore() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
  };
}

/** What is given, the file at a path, or `host.json` of the working directory if there is one. */
export function readHostJson(given?: string | HostJson): HostJson {
  if (typeof given === 'object') return given;
  const file = given ?? 'host.json';
  if (given === undefined && !existsSync(file)) return {};
  return JSON.parse(readFileSync(file, 'utf8')) as HostJson;
}

/** Replaces `%SETTING%`; a setting that is missing is an error, as on the host. */
export function expand(text: string): string {
  return text.replaceAll(/%([^%]+)%/g, (_whole, name: string) => {
    const value = process.env[name];
    if (value === undefined) throw new Error(`App setting ${name} is missing`);
    return value;
  });
}

/** The connection string that a binding's `connection` names; the prefix `AzureWebJobs` may be left out. */
export function connectionOf(setting: unknown): string {
  const name = typeof setting === 'string' && setting !== '' ? setting : 'AzureWebJobsStorage';
  return expand(`%${process.env[name] === undefined ? `AzureWebJobs${name}` : name}%`);
}
