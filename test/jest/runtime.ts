/**
 * Jest's runtime, with one change: what a suite imports from npm packages is loaded by Node, once per worker, instead of
 * being resolved, compiled and run again for each suite (some thousand modules: the SDKs, Azurite). The code of the
 * repository stays one instance per suite. It needs `environment.ts`, where suites and packages share a realm.
 *
 * A package that remembers what a suite did must not be shared: it is in `OWN`, or the suite asks for its own packages with
 * `@jest-environment-options {"packages": "own"}`. Uses private parts of jest-runtime as read for 30.5.2 (pinned).
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import * as vm from 'node:vm';
import type SharedEnvironment from './environment.ts';

const nativeRequire = createRequire(import.meta.url);
// Its declarations are those of a CommonJS module, whose class is the member `default`.
const { default: Runtime } = nativeRequire('jest-runtime') as typeof import('jest-runtime');

/** Loaded by jest for each suite: `@azure/functions` keeps the host that it met first, which jest's mock answers it. */
const OWN = /^@azure\/(functions(-core)?|identity|msal-node)(\/|$)/;
const PACKAGE = /^(?!node:)(?:@[\w.-]+\/)?[\w][\w.-]*(?:\/|$)/;

/** The parts of jest-runtime that are changed here. */
interface Inside {
  readonly registries: { getActiveEsmRegistry(): Map<string, vm.Module> };
  readonly esmLoader: {
    getContext(): undefined;
    resolveSpecifierForSyncGraph(
      from: string,
      specifier: string,
      ...rest: [unknown, Scratch, ...unknown[]]
    ): unknown;
    resolveModule(specifier: string, from: string, context: unknown): Promise<vm.Module>;
    readonly dynamicImport: (...args: unknown[]) => Promise<vm.Module>;
  };
  readonly executor: {
    readonly injectedModuleParameters: string[];
    readonly dynamicImport: (
      specifier: string,
      file: string,
      context: unknown,
      ...rest: unknown[]
    ) => Promise<vm.Module>;
    compile(source: string, file: string): unknown;
  };
  readonly coreModule: { getMockedModuleClass(): { syncBuiltinESMExports?: unknown } };
}
type Scratch = Map<string, { cacheKey: string; kind: 'prelinked'; module: vm.Module }>;
type Loaded = Record<string, unknown>;

const RealDate = globalThis.Date;
const loaded = new Map<string, Loaded>();

export default class SharedRuntime extends Runtime {
  readonly #shares: (name: string) => boolean;

  constructor(...args: ConstructorParameters<typeof Runtime>) {
    super(...args);
    const { ownPackages } = args[1] as unknown as SharedEnvironment;
    this.#shares = (name) => !ownPackages && isPackage(name);
    this.#inOneRealm();
    this.#importShared();
  }

  /** What the repository requires of a package; jest's own modules go their way. */
  override requireModule<T>(
    from: string,
    name?: string,
    options?: { isInternalModule?: boolean },
    actual?: boolean,
  ): T {
    const isShared = name !== undefined && options?.isInternalModule !== true && this.#shares(name);
    if (isShared) return byRealTime(() => createRequire(from)(name) as T);
    return super.requireModule<T>(from, name, options as never, actual);
  }

  /** Modules are compiled for the worker's realm, which is no `vm` context. */
  #inOneRealm(): void {
    const { esmLoader, executor, coreModule } = this as unknown as Inside;
    esmLoader.getContext = () => undefined;
    executor.compile = (source, filename) =>
      vm.compileFunction(source, executor.injectedModuleParameters, {
        filename,
        importModuleDynamically: (specifier: string, _: unknown, attributes: unknown) =>
          executor.dynamicImport(specifier, filename, undefined, attributes),
      });
    // `local/names.ts` changes node:dns, which the shared packages have to see.
    const mocked = coreModule.getMockedModuleClass.bind(coreModule);
    coreModule.getMockedModuleClass = () =>
      Object.assign(mocked(), {
        syncBuiltinESMExports: (nativeRequire('node:module') as Loaded).syncBuiltinESMExports,
      });
  }

  #importShared(): void {
    const { esmLoader, registries } = this as unknown as Inside;
    const shared = (specifier: string): vm.Module | undefined => {
      if (!this.#shares(specifier)) return undefined;
      const registry = registries.getActiveEsmRegistry();
      const key = `shared:${specifier}`;
      const module = registry.get(key) ?? synthetic(specifier);
      registry.set(key, module);
      return module;
    };
    const resolveSpecifier = esmLoader.resolveSpecifierForSyncGraph.bind(esmLoader);
    esmLoader.resolveSpecifierForSyncGraph = (from, specifier, context, scratch, ...rest) => {
      const module = shared(specifier);
      if (!module) return resolveSpecifier(from, specifier, context, scratch, ...rest);
      const cacheKey = `shared:${specifier}`;
      scratch.set(cacheKey, { cacheKey, kind: 'prelinked', module });
      return { cacheKey, enqueue: null, modulePath: cacheKey };
    };
    const resolveModule = esmLoader.resolveModule.bind(esmLoader);
    esmLoader.resolveModule = async (specifier, from, context) =>
      shared(specifier) ?? (await resolveModule(specifier, from, context));
  }
}

const isPackage = (name: string): boolean =>
  PACKAGE.test(name) && !OWN.test(name) && name !== '@jest/globals' && !vmBuiltin(name);
const vmBuiltin = (name: string): boolean =>
  (nativeRequire('node:module') as { isBuiltin(id: string): boolean }).isBuiltin(name);

function synthetic(specifier: string): vm.Module {
  const values = load(specifier);
  const module = new vm.SyntheticModule(
    Object.keys(values),
    function () {
      for (const [name, value] of Object.entries(values)) this.setExport(name, value);
    },
    { identifier: `shared:${specifier}` },
  );
  return module;
}

/** The exports of a package as an `import` of it sees them. */
function load(specifier: string): Loaded {
  const known = loaded.get(specifier);
  if (known) return known;
  // Every file of the repository finds the same packages, so that this file may ask.
  const found: unknown = byRealTime(() =>
    nativeRequire(fileURLToPath(import.meta.resolve(specifier))),
  );
  const isEsm = types.isModuleNamespaceObject(found);
  const members = Object.entries(Object(found) as Loaded).filter(
    ([name]) => name !== '__esModule' && (isEsm || name !== 'default'),
  );
  const values = { ...Object.fromEntries(members), ...(isEsm ? {} : { default: found }) };
  loaded.set(specifier, values);
  return values;
}

/** A package that keeps `Date` or `Date.now` for good must not keep the moved clock of the suite that needed it first. */
function byRealTime<T>(load: () => T): T {
  const moved = globalThis.Date;
  globalThis.Date = RealDate;
  try {
    return load();
  } finally {
    globalThis.Date = moved;
  }
}
