import { Command as Commander, CommanderError, Option as CommanderOption } from 'commander';
import type { Command, CommandDescription, ConfigurationCommand } from './command.ts';
import type { ExitStatus } from '../output/exit-status.ts';
import {
  ABOUT,
  argumentTerm,
  commandHelp,
  describe,
  formatHelp,
  generalHelp,
  subcommandTerm,
  summaryOf,
} from './help.ts';
import { OPTIONS, variableOf } from '../configuration/options.ts';
import type { Environment, Option, OptionKey } from '../configuration/options.ts';
import { boolean } from '../configuration/value-types.ts';
import { tellEarlyEnd, type EarlyOutput } from '../output/problem-text.ts';
import { jsonText } from '../output/results.ts';
import { PLANNED_COMMANDS, PLANNED_OPTIONS } from './planned.ts';

/** What the command line said: which command to run, with what. */
export interface Invocation {
  readonly command: Command | ConfigurationCommand;
  readonly arguments: readonly string[];
  /** Values as written, by the option's key. */
  readonly flags: Readonly<Record<string, string>>;
}

export interface ProgramOptions extends EarlyOutput {
  readonly version: string;
}

export interface Program {
  /**
   * Reads the arguments of the process. Help, the version and mistakes in the usage are dealt with here.
   *
   * @returns what to run, or the exit status where there is nothing to run.
   */
  readonly parse: (argv: readonly string[]) => Invocation | ExitStatus;
}

const TABLE: readonly Option[] = Object.values(OPTIONS);

/** The command line of unpackd, made from the table of options and `commands`. */
export function buildProgram(
  commands: readonly (Command | ConfigurationCommand)[],
  options: ProgramOptions,
): Program {
  return { parse };

  function parse(argv: readonly string[]): Invocation | ExitStatus {
    let invocation: Invocation | undefined;
    const program = createProgram(options);
    for (const command of commands) {
      const child = addCommand(program, command);
      child.action(() => {
        invocation = { command, arguments: child.args, flags: { ...flagsOf(program), ...flagsOf(child) } };
      });
    }
    addVersionCommand(program, options);
    program.addHelpText('after', generalHelp(commands));
    const planned = plannedIn(argv, program);
    if (planned !== undefined) return ended(planned, options);
    try {
      program.parse(withoutHelp(argv, program), { from: 'user' });
      return invocation ?? 0;
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      const usage = usageOf(error);
      return usage === undefined ? 0 : ended(usage, options);
    }
  }
}

function addVersionCommand(program: Commander, { version, json, stdout }: ProgramOptions): void {
  program
    .command('version')
    .description('Print the version of unpackd')
    .action(() => {
      stdout.write(json ? jsonText({ version }) : `unpackd ${version}\n`);
    });
}

/** What the command line asks for that is not there yet, also where it asks for help on it. */
function plannedIn(argv: readonly string[], program: Commander): Usage | undefined {
  const name = commandIn(argv);
  const words = wordsOf(argv);
  const isThere = name === undefined || isCommand(name, program);
  const found = [
    ...(isThere ? [] : [[`the command ${name}`, PLANNED_COMMANDS[name]] as const]),
    ...Object.entries(PLANNED_OPTIONS).filter(([flag]) =>
      words.some((word) => word === flag || word.startsWith(`${flag}=`)),
    ),
  ].find(([, meanwhile]) => meanwhile !== undefined);
  return found && { message: `${found[0]} is not there yet`, hint: found[1] };
}

/** A command that does not exist has no help: it is to be named. */
function withoutHelp(argv: readonly string[], program: Commander): readonly string[] {
  const name = commandIn(argv);
  if (name === undefined || isCommand(name, program)) return argv;
  return argv.filter((word) => word !== '-h' && word !== '--help');
}

/** The words in front of `--`, behind which none is an option. */
function wordsOf(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end === -1 ? argv : argv.slice(0, end);
}

/** The first word that is neither an option nor the value of one; `undefined` also where such a value is missing. */
function commandIn(argv: readonly string[]): string | undefined {
  const program = new Commander()
    .allowUnknownOption()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  for (const option of TABLE) addOption(program, option, `${option.group}:`);
  try {
    return program.parseOptions([...argv]).operands[0];
  } catch (error) {
    if (error instanceof CommanderError) return undefined;
    throw error;
  }
}

/** Whether the command line or the environment asks for documents, as far as that can be told without reading either. */
export function asksForJson(argv: readonly string[], environment: Environment): boolean {
  const said = wordsOf(argv).findLast((word) => word === '--json' || word === '--no-json');
  if (said !== undefined) return said === '--json';
  const text = environment[variableOf(OPTIONS.json.key)] ?? '';
  return boolean.parse(text, { folder: '/', home: '/' }) === true;
}

function isCommand(name: string, program: Commander): boolean {
  return (
    name === 'help' || program.commands.some((one) => one.name() === name || one.aliases().includes(name))
  );
}

function createProgram({ version, stdout, stderr }: ProgramOptions): Commander {
  const program = new Commander('unpackd')
    .description(ABOUT)
    .usage('COMMAND [ARGUMENTS] [OPTIONS]')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // written as one line by `ended`
      outputError: () => {},
      getOutHelpWidth: () => Math.min(120, stdout.columns ?? 100),
      getErrHelpWidth: () => Math.min(120, stderr.columns ?? 100),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ formatHelp, subcommandTerm })
    .helpCommand('help [COMMAND]', 'Show help, also of one command');
  for (const option of TABLE) addOption(program, option, `${option.group}:`);
  program.optionsGroup('General:').version(`unpackd ${version}`, '--version', 'print the version');
  program.addHelpOption(helpOption());
  return program;
}

function addCommand(program: Commander, command: CommandDescription): Commander {
  const words = command.name.split(' ');
  const name = words.pop() ?? '';
  const parent = words.reduce((above, word) => groupIn(above, word), program);
  const child = parent.command(name).description(summaryOf(command)).addHelpOption(helpOption());
  child
    .usage([...command.arguments.map(argumentTerm), '[OPTIONS]'].join(' '))
    .aliases([...(command.aliases ?? [])]);
  for (const argument of command.arguments) {
    child.argument(
      argument.variadic === true || argument.optional === true
        ? argumentTerm(argument)
        : `<${argument.name}>`,
      argument.description,
    );
  }
  const own: readonly OptionKey[] = command.options;
  const isOwn = ({ key }: Option): boolean => own.some((ownKey) => ownKey === key);
  for (const key of own) {
    for (const option of TABLE) if (option.key === key) addOption(child, option, 'Options:');
  }
  for (const option of TABLE) if (!isOwn(option)) addOption(child, option, `${option.group}:`);
  return child.addHelpText('after', commandHelp(command));
}

/** The command that only leads to others, such as `wishlist`. */
function groupIn(parent: Commander, name: string): Commander {
  const known = parent.commands.find((command) => command.name() === name);
  if (known !== undefined) return known;
  const group = parent.command(name).description(`Commands: unpackd ${name} …`).addHelpOption(helpOption());
  return group.usage('COMMAND [ARGUMENTS] [OPTIONS]');
}

/** Options are read by the program, wherever they stand; commands have them too, so that their help shows them. */
function addOption(commander: Commander, option: Option, group: string): void {
  const shown = new CommanderOption(option.flag, describe(option)).helpGroup(group);
  if (shown.required) {
    commander.addOption(shown);
    const { formerKey } = option;
    if (formerKey !== undefined) {
      commander.addOption(new CommanderOption(option.flag.replace(option.key, formerKey)).hideHelp());
    }
    return;
  }
  // Each boolean has a reverse, for what the environment or the file says.
  const reverse = new CommanderOption(shown.negate ? `--${option.key}` : `--no-${option.key}`).hideHelp();
  for (const either of shown.negate ? [reverse, shown] : [shown, reverse]) commander.addOption(either);
}

function helpOption(): CommanderOption {
  return new CommanderOption('-h, --help', 'show this help').helpGroup('General:');
}

function flagsOf(commander: Commander): Record<string, string> {
  const flags: Record<string, string> = {};
  for (const option of commander.options) {
    const name = option.attributeName();
    if (commander.getOptionValueSource(name) !== 'cli') continue;
    const key = option.name().replace(/^no-/, '');
    flags[key] = String(commander.getOptionValue(name));
  }
  return flags;
}

/** What is wrong with how unpackd was called. */
interface Usage {
  readonly message: string;
  readonly hint: string | undefined;
}

function ended({ message, hint }: Usage, options: ProgramOptions): ExitStatus {
  tellEarlyEnd([{ code: 'usage', message, hint }], options);
  return 2;
}

/** Why commander ended the run; `undefined` where it was asked for the help or the version. */
function usageOf({ exitCode, code, message }: CommanderError): Usage | undefined {
  if (exitCode === 0) return undefined;
  const all = '"unpackd --help" lists commands and options';
  // commander has shown the help
  if (code === 'commander.help') return { message: 'no command is named', hint: all };
  const [, problem = message, hint] =
    /^error: (.*?)\.?(?:\n\((did you mean [^()]*)\))?$/is.exec(message) ?? [];
  return { message: problem, hint: hint === undefined ? all : `${hint.toLowerCase()}; ${all}` };
}
