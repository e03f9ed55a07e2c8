/** The little of a shell's grammar that documentation uses: words, quotes, line continuations, comments, `&&`. */

/** The commands of a block as lists of words. Throws on what it does not know (pipes, redirections, substitutions). */
export function commandsOf(block: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  const end = () => {
    if (words.length > 0) commands.push(words);
    words = [];
  };
  const joined = block.replaceAll(/\\\n\s*/g, ' ');
  const token = /[^\S\n]+|#[^\n]*|(\n|&&)|((?:'[^']*'|"[^"\\`]*"|[\w@%+=:,./*{}$-])+)|(.)/gsu;
  for (const [whole, separator, word, unknown] of joined.matchAll(token)) {
    if (unknown !== undefined) throw new Error(`Not understood in a shell block: ${whole}`);
    if (separator !== undefined) end();
    if (word !== undefined) words.push(word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  end();
  return commands;
}

/**
 * Options (`--name value …`, `-X value`) and the rest of a command's words. `flags` are the options without a value;
 * an option may take several values and may be repeated.
 */
export function optionsOf(words: readonly string[], flags: readonly string[] = []) {
  const options = new Map<string, string[]>();
  const rest: string[] = [];
  let values: string[] | undefined;
  for (const word of words) {
    if (/^-{1,2}[a-zA-Z]/.test(word)) {
      values = flags.includes(word) ? undefined : (options.get(word) ?? []);
      options.set(word, values ?? []);
    } else (values ?? rest).push(word);
  }
  return { options, rest };
}
