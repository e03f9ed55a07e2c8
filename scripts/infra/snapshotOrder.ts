/** The text of a snapshot with its outputs by their names: the compiler writes them in any order, and judges none (seen with 0.49.2). */
export function inOrder(text: string): string {
  const { outputs, ...snapshot }: Record<string, unknown> = JSON.parse(text);
  if (typeof outputs !== 'object' || outputs === null) return text;
  const byName = Object.entries(outputs).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify({ ...snapshot, outputs: Object.fromEntries(byName) }, undefined, 2);
}
