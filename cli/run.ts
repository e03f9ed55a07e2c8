/** One run: words to a command, a command to an exit code. Everything it has of the world comes in. */
import { Command, CommanderError, Option } from 'commander';
import { commands } from './commands.ts';
import { EXITS, type Exit, usage } from './failure.ts';
import type { Io } from './io.ts';
import { connect } from './session/session.ts';
import type { WhereFlags } from './session/where.ts';
import { FORMATS, type Format, print } from './show/print.ts';
import { tellFailure } from './show/tell.ts';
import {
  type Asked,
  type CommandSpec,
  type OfflineSpec,
  type OptionSpec,
  OUTPUT_OPTIONS,
  WHERE_OPTIONS,
} from './spec.ts';

/** Answers the exit code (`EXITS`); never throws. */
export async function run(words: readonly string[], io: Io, version: string): Promise<number> {
  let exit: Exit = 'done';
  try {
    const program = programOf(io, version, (how) => {
      exit = how;
    });
    if (words.length === 0) {
      program.outputHelp();
      return EXITS.done.code;
    }
    await program.parseAsync([...words], { from: 'user' });
    return EXITS[exit].code;
  } catch (error) {
    // Help and version end that way, too; of the rest Commander has told what it did not understand.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? EXITS.done.code : EXITS.usage.code;
    if (io.stopped.aborted) return INTERRUPTED;
    return tellFailure(error, io);
  }
}

const INTERRUPTED = 130; // 128 + SIGINT, as shells have it

function programOf(io: Io, version: string, end: (exit: Exit) => void): Command {
  const program = new Command('keyturn')
    .description(
      'Rotation of secrets in Azure Key Vault: what is there, what is due, and what to do at night.',
    )
    .version(version, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      getOutHelpWidth: () => io.out.columns ?? 100,
      getErrHelpWidth: () => io.err.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError('Run it with --help.')
    .addHelpText(
      'after',
      `\nExit codes: ${Object.values(EXITS)
        .map(({ code, says }) => `${code} ${says}`)
        .join('; ')}.\n`,
    );
  // Where it is and how it prints may be said before the command as well; the help of each command lists them.
  for (const each of [...OUTPUT_OPTIONS, ...WHERE_OPTIONS])
    program.addOption(optionOf(each).hideHelp());
  for (const spec of commands)
    program.addCommand(commandOf(spec, io, end).copyInheritedSettings(program));
  return program;
}

function commandOf(spec: CommandSpec | OfflineSpec, io: Io, end: (exit: Exit) => void): Command {
  const made = new Command(spec.name)
    .description(
      [`${spec.summary[0]?.toUpperCase()}${spec.summary.slice(1)}.`, spec.more]
        .filter(Boolean)
        .join(' '),
    )
    .summary(spec.summary);
  for (const [name, says] of spec.args ?? []) made.argument(name, says);
  for (const each of [
    ...(spec.options ?? []),
    ...OUTPUT_OPTIONS,
    ...('isOffline' in spec ? [] : WHERE_OPTIONS),
  ])
    made.addOption(optionOf(each));
  if (spec.examples)
    made.addHelpText(
      'after',
      `\nExamples:\n${spec.examples.map((each) => `  ${each}\n`).join('')}`,
    );
  return made.action(async () => {
    const given = made.optsWithGlobals<Record<string, unknown>>();
    const asked = askedIn(made.args, given);
    const format = formatIn(given.output);
    const here = {
      io,
      asked,
      format,
      print: (found: Parameters<typeof print>[0]) => print(found, format, io),
    };
    end(
      'isOffline' in spec
        ? await spec.run(here)
        : await spec.run({ ...here, session: await connect(whereFlags(given), io) }),
    );
  });
}

function optionOf({ flags, says, choices, isList }: OptionSpec): Option {
  const made = new Option(flags, says);
  if (choices) made.choices(choices);
  if (isList)
    made.argParser((text: string, before: readonly string[] | undefined) => [
      ...(before ?? []),
      ...text.split(flags.includes('=') ? /$^/ : ','),
    ]);
  return made;
}

const formatIn = (given: unknown): Format => FORMATS.find((each) => each === given) ?? 'table';

/** Commander gives `dryRun` for `--dry-run`. */
function askedIn(args: readonly string[], given: Readonly<Record<string, unknown>>): Asked {
  const of = (option: string) =>
    given[option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
  return {
    args,
    text(option) {
      const value = of(option);
      if (value === '') throw usage(`--${option} is empty.`);
      return typeof value === 'string' ? value : undefined;
    },
    is: (option) => of(option) !== undefined && of(option) !== false,
    list(option) {
      const value = of(option);
      return Array.isArray(value) ? value.map(String).filter((each) => each !== '') : [];
    },
  };
}

function whereFlags(given: Readonly<Record<string, unknown>>): WhereFlags {
  const text = (name: string) => (typeof given[name] === 'string' ? given[name] : undefined);
  return {
    url: text('url'),
    audience: text('audience'),
    auth: text('auth'),
    config: text('config'),
    local: given.local === true,
  };
}
