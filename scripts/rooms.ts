/**
 * `npm run rooms`: how `src` and `local` are built, from their imports: rooms, floors, arrows, arrows backward and circles.
 * `test/tidy.test.ts` holds the same figures against design section 9. An import of a type counts like any other: whoever
 * reads the file has to open the other one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Who may import whom (design section 9); every folder may import itself, and `app` everything of `src`. */
export const directions: Readonly<Record<string, readonly string[]>> = {
  functions: ['api', 'app'],
  api: ['reconcile', 'sweep', 'tags', 'ports', 'core'],
  reconcile: ['tags', 'form', 'ports', 'core'],
  sweep: ['tags', 'form', 'ports', 'core'],
  notices: ['ports', 'core'],
  tags: ['ports', 'core'],
  form: ['ports', 'core'],
  rotators: ['targets', 'ports', 'core'],
  targets: ['azure', 'core'],
  consumers: ['azure', 'tags', 'ports', 'core'],
  vault: ['ports', 'core'],
  store: ['ports', 'core'],
  evidence: ['azure', 'ports', 'core'],
  azure: ['ports', 'core'],
  ports: ['core'],
  core: [],
};

export interface Import {
  /** Paths from the root of the repository; a package by its specifier. */
  readonly file: string;
  readonly to: string;
}

/** What a room takes from others: files, or folders seen from the one that they stand in. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

export const filesUnder = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file}`)
    .filter((file) => file.endsWith('.ts'))
    .sort();

export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const IMPORT = /^\s*(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm;
export const importsOf = (files: readonly string[]): readonly Import[] =>
  files.flatMap((file) =>
    [...read(file).matchAll(IMPORT)].map(([, still, lazy]) => {
      const to = still ?? lazy ?? '';
      return { file, to: to.startsWith('.') ? relative(root, join(root, dirname(file), to)) : to };
    }),
  );

/** The arrows between rooms: `roomOf` says in which room a file stands, and undefined where it is outside of all. */
export function graphOf(
  imports: readonly Import[],
  roomOf: (file: string) => string | undefined,
): Graph {
  const graph = new Map<string, Set<string>>();
  const of = (room: string) => graph.get(room) ?? graph.set(room, new Set()).get(room);
  for (const { file, to } of imports) {
    const [from, into] = [roomOf(file), roomOf(to)];
    if (from === undefined) continue;
    const arrows = of(from);
    if (into !== undefined && into !== from) {
      of(into);
      arrows?.add(into);
    }
  }
  return graph;
}

/** A file by itself. */
export const byFile = (file: string): string => file;
/** What stands right inside `folder`: files, and each folder as one room. */
export const within =
  (folder: string) =>
  (file: string): string | undefined =>
    file.startsWith(`${folder}/`)
      ? `${folder}/${file.slice(folder.length + 1).split('/')[0]}`
      : undefined;

/** Rooms that lead to each other, largest first (Tarjan). */
export function circlesOf(graph: Graph): readonly (readonly string[])[] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (room: string): void => {
    index.set(room, index.size);
    low.set(room, index.get(room) as number);
    stack.push(room);
    for (const next of graph.get(room) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next))
        low.set(room, Math.min(low.get(room) as number, low.get(next) as number));
    }
    if (low.get(room) !== index.get(room)) return;
    const circle = stack.splice(stack.indexOf(room));
    if (circle.length > 1) circles.push(circle.sort());
  };
  for (const room of [...graph.keys()].sort()) if (!index.has(room)) visit(room);
  return circles.sort((one, other) => other.length - one.length);
}

/** The floor of each room: above all that it takes from; a circle stands on one. The ground is 1. */
export function floorsOf(graph: Graph): ReadonlyMap<string, number> {
  const circleOf = new Map(
    circlesOf(graph).flatMap((circle) => circle.map((room) => [room, circle] as const)),
  );
  const floors = new Map<string, number>();
  const floorOf = (room: string): number => {
    const known = floors.get(room);
    if (known !== undefined) return known;
    const circle = circleOf.get(room) ?? [room];
    const below = circle
      .flatMap((each) => [...(graph.get(each) ?? [])])
      .filter((each) => !circle.includes(each));
    const floor = 1 + Math.max(0, ...below.map(floorOf));
    for (const each of circle) floors.set(each, floor);
    return floor;
  };
  for (const room of graph.keys()) floorOf(room);
  return floors;
}

export const arrowsOf = (graph: Graph): readonly (readonly [string, string])[] =>
  [...graph].flatMap(([room, others]) => [...others].map((other) => [room, other] as const));

/** Arrows that lead back to where they come from: those inside of circles. */
export function backOf(graph: Graph): number {
  const circles = circlesOf(graph);
  return arrowsOf(graph).filter(([from, to]) =>
    circles.some((each) => each.includes(from) && each.includes(to)),
  ).length;
}

export const folderOf = (file: string): string => file.split('/')[1] ?? '';

/** Imports of `src` against the directions of design section 9. */
export const against = (imports: readonly Import[]): readonly Import[] =>
  imports.filter(({ file, to }) => {
    const [from, into] = [folderOf(file), folderOf(to)];
    if (!to.startsWith('src/') || from === into || from === 'app') return false;
    return directions[from]?.includes(into) !== true;
  });

function line(name: string, graph: Graph): string {
  const floors = Math.max(0, ...floorsOf(graph).values());
  const figures = [
    graph.size,
    floors,
    arrowsOf(graph).length,
    backOf(graph),
    circlesOf(graph).length,
  ];
  return [name.padEnd(24), ...figures.map((figure) => String(figure).padStart(8))].join('');
}

/** All that `npm run rooms` prints. */
export function rooms(): string {
  const imports = ['src', 'local'].flatMap((folder) => importsOf(filesUnder(folder)));
  const inside = imports.filter(({ to }) => /^(src|local)\//.test(to));
  const folders = new Set(filesUnder('src').map((file) => file.split('/').slice(0, -1).join('/')));
  const seen = [
    'src',
    ...[...folders].filter((each) => each !== 'src').sort(),
    'local',
    'local/azure',
    'local/host',
  ];
  const wrong = against(inside);
  return [
    [
      'room'.padEnd(24),
      ...['rooms', 'floors', 'arrows', 'back', 'circles'].map((each) => each.padStart(8)),
    ].join(''),
    ...seen.map((folder) => line(folder, graphOf(inside, within(folder)))),
    line('all files', graphOf(inside, byFile)),
    '',
    `against the directions: ${wrong.length}`,
    ...new Set(wrong.map(({ file, to }) => `  ${file} -> ${to}`)),
    'circles of files:',
    ...circlesOf(graphOf(inside, byFile)).map((circle) => `  ${circle.join(' ')}`),
  ].join('\n');
}

if (import.meta.main) console.log(rooms());
