/**
 * Reads pictures as JSON (`[{"page": …, "text": …}]`) and prints for each what mermaid's own grammar says: its type, or the error. In
 * a process of its own, since it has to pretend that there is a browser.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { runInThisContext } from 'node:vm';

/** As much of a window as mermaid's cleaner of labels wants to see; having no document to clean in, it leaves them as they are. */
class Element {}
globalThis.window = {
  Element,
  Node: Element,
  document: { nodeType: 9, implementation: {}, createElement: () => ({}) },
};
// A script for a page, which makes a global: as a module it would keep that to itself.
runInThisContext(readFileSync(createRequire(import.meta.url).resolve('@mermaid-js/tiny'), 'utf8'));

const answers = [];
for (const picture of JSON.parse(await text(process.stdin)))
  answers.push(
    await globalThis.mermaid.parse(picture.text).then(
      ({ diagramType }) => ({ page: picture.page, type: diagramType }),
      (error) => ({ page: picture.page, error: String(error.message) }),
    ),
  );
console.log(JSON.stringify(answers));
