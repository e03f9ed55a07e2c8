/** `completion`: scripts by which a shell completes commands and options, made from the declarations. */
import { usage } from '../failure.ts';
import { type CommandSpec, type OfflineSpec, OUTPUT_OPTIONS, WHERE_OPTIONS } from '../spec.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Declared = CommandSpec | OfflineSpec;

/** The command, made over all commands: its own included. */
export function completionOf(commands: () => readonly Declared[]): OfflineSpec {
  return {
    isOffline: true,
    name: 'completion',
    summary: 'a script by which your shell completes commands and options',
    more: 'bash: source <(keyturn completion bash); zsh: the same with zsh; fish: keyturn completion fish | source',
    args: [['<shell>', SHELLS.join(', ')]],
    examples: ['keyturn completion bash'],
    async run({ asked, io }) {
      const shell = SHELLS.find((each) => each === asked.args[0]);
      if (!shell) throw usage(`The shell is one of ${SHELLS.join(', ')}.`);
      io.out.write(scripts[shell](commands()));
      return 'done';
    },
  };
}

const longOf = (flags: string): string => /--[\w-]+/.exec(flags)?.[0] ?? '';
const optionsOf = ({ options = [] }: Declared) => [...options, ...OUTPUT_OPTIONS, ...WHERE_OPTIONS];
const flagsOf = (command: Declared): string =>
  [...optionsOf(command).map(({ flags }) => longOf(flags)), '--help'].join(' ');
/** Only letters that no shell gives a meaning. */
const plain = (text: string): string => text.replace(/[^\w ,.;()/-]/g, '');

const scripts: Readonly<
  Record<(typeof SHELLS)[number], (commands: readonly Declared[]) => string>
> = {
  bash: (commands) => `_keyturn() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]}
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$word"))
    return
  fi
  case $command in
${commands.map((each) => `    ${each.name}) COMPREPLY=($(compgen -W '${wordsOf(each)}' -- "$word")) ;;`).join('\n')}
  esac
}
complete -F _keyturn keyturn
`,
  zsh: (commands) => `#compdef keyturn
_keyturn() {
  if (( CURRENT == 2 )); then
    local -a commands=(${commands.map(({ name, summary }) => `'${name}:${plain(summary)}'`).join(' ')})
    _describe command commands
    return
  fi
  case $words[2] in
${commands.map((each) => `    ${each.name}) compadd -- ${wordsOf(each)} ;;`).join('\n')}
  esac
}
compdef _keyturn keyturn
`,
  fish: (commands) =>
    [
      'complete -c keyturn -f',
      ...commands.map(
        ({ name, summary }) =>
          `complete -c keyturn -n __fish_use_subcommand -a ${name} -d '${plain(summary)}'`,
      ),
      ...commands.flatMap((each) => [
        ...optionsOf(each).map(
          ({ flags, says }) =>
            `complete -c keyturn -n '__fish_seen_subcommand_from ${each.name}' -l ${longOf(flags).slice(2)}${flags.includes('<') ? ' -r' : ''} -d '${plain(says)}'`,
        ),
        ...(each.name === 'completion'
          ? [
              `complete -c keyturn -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(' ')}'`,
            ]
          : []),
      ]),
      '',
    ].join('\n'),
};

const wordsOf = (command: Declared): string =>
  `${command.name === 'completion' ? `${SHELLS.join(' ')} ` : ''}${flagsOf(command)}`;
