/** What a test file imports from `@jest/globals`, for a run of all tests again and again in one process. */
import { expect } from 'expect';

export { expect };

type Body = (...args: never[]) => unknown;
export interface Suite {
  readonly name: string;
  readonly parent: Suite | undefined;
  readonly before: Body[];
  readonly beforeEach: Body[];
  readonly afterEach: Body[];
  readonly after: Body[];
}
export interface Test {
  readonly name: string;
  readonly suite: Suite;
  readonly body: Body;
}

const suiteOf = (name: string, parent?: Suite): Suite => ({
  ...{ name, parent, before: [], beforeEach: [], afterEach: [], after: [] },
});
export const top: Suite = suiteOf('');
export const collected: Test[] = [];
let open = top;

/** `%s`, `%i`, `%j` and the like, as jest fills them, but for the fine points. */
function titleOf(title: string, args: readonly unknown[]): string {
  let at = 0;
  return title.replace(/%[sdifjoOp#%]/g, (code) => {
    if (code === '%%') return '%';
    if (code === '%#') return '#';
    const value = args[at++];
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  });
}

const rowOf = (row: unknown): readonly unknown[] => (Array.isArray(row) ? row : [row]);

type Add = (name: string, body: Body) => void;
const withEach = (add: Add) =>
  Object.assign(add, {
    each: (rows: readonly unknown[]) => (title: string, body: Body) => {
      for (const row of rows) {
        const args = rowOf(row);
        add(titleOf(title, args), () => body(...(args as never[])));
      }
    },
  });

export const describe = withEach((name, body) => {
  const above = open;
  open = suiteOf(`${above.name} ${name}`.trim(), above);
  try {
    body();
  } finally {
    open = above;
  }
});
export const it = withEach((name, body) => {
  collected.push({ name: `${open.name} ${name}`.trim(), suite: open, body });
});
export const test = it;
export const beforeAll = (body: Body) => void open.before.push(body);
export const afterAll = (body: Body) => void open.after.push(body);
export const beforeEach = (body: Body) => void open.beforeEach.push(body);
export const afterEach = (body: Body) => void open.afterEach.push(body);
