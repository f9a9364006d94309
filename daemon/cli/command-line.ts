import { parseArgs } from 'node:util';
import { nearest } from '../../core/text.ts';
import {
  argumentOf,
  synopsisOf,
  variableOf,
  type Environment,
  type Option,
} from '../configuration/options.ts';
import { boolean } from '../configuration/value-types.ts';
import { commandHelp, generalHelp, groupHelp, shortHelp, topicHelp, type Width } from './help.ts';
import { PLANNED_COMMANDS, PLANNED_OPTIONS } from './commands.ts';
import { type AnyCommand, isTopic, OPTION_TABLE, takes, TOPIC_NAMES, usageLine } from './command.ts';

export type Parsed =
  Invocation | { readonly kind: 'help'; readonly text: string } | { readonly kind: 'version' } | Usage;

export interface Invocation {
  readonly kind: 'run';
  readonly command: AnyCommand;
  readonly arguments: readonly string[];
  /** Values as written, by the option's key. */
  readonly flags: Readonly<Record<string, string>>;
}

/** A mistake in how unpackd was called. */
export interface Usage {
  readonly kind: 'usage';
  readonly message: string;
  readonly hint: string;
  /** Shown before the message. */
  readonly help?: string;
}

/** A flag as it was written; `value` is `undefined` where it has none. */
interface Flag {
  readonly name: string;
  /** `--root`, `-t` */
  readonly written: string;
  readonly value: string | undefined;
  /** The value stands behind `=`. */
  readonly isInline: boolean;
}

const ALL = '"unpackd --help" lists all commands';

/** Flags by the names that the command line has for them: a boolean has a reverse, for what environment or file say. */
const FLAGS: ReadonlyMap<string, { readonly option: Option; readonly value?: 'true' | 'false' }> = new Map(
  OPTION_TABLE.flatMap((option) =>
    argumentOf(option) !== undefined
      ? [option.key, option.formerKey].flatMap((key) =>
          key === undefined ? [] : [[key, { option }] as const],
        )
      : [
          [option.key, { option, value: 'true' }] as const,
          [`no-${option.key}`, { option, value: 'false' }] as const,
        ],
  ),
);

/** Reads the arguments of the process, without program names. */
export function parseCommandLine(
  argv: readonly string[],
  commands: readonly AnyCommand[],
  width: Width,
): Parsed {
  const { words, flags } = split(argv);
  if (words[0] === 'version' || flags.some(({ name }) => name === 'version')) return { kind: 'version' };
  const isHelp = words[0] === 'help' || flags.some(({ name }) => name === 'help');
  const named = words[0] === 'help' ? words.slice(1) : words;
  const planned = plannedIn(named, flags, commands);
  if (planned !== undefined) return planned;
  const found = findCommand(named, commands);
  if (isHelp) return helpFor(named, found, commands, width);
  if (named.length === 0) {
    return { ...usage('no command is given', ALL), help: shortHelp(commands, width) };
  }
  if (found === undefined) return unknownCommand(named, commands);
  return invocation(found, flags);
}

/** For a run that ends before its configuration is read: true if the command line or the environment asks for JSON. */
export function asksForJson(argv: readonly string[], environment: Environment): boolean {
  const flag = split(argv).flags.findLast(
    ({ name, isInline }) => !isInline && (name === 'json' || name === 'no-json'),
  );
  if (flag !== undefined) return flag.name === 'json';
  const text = environment[variableOf('json')] ?? '';
  return boolean.parse(text, { folder: '/', home: '/' }) === true;
}

function split(argv: readonly string[]): { readonly words: string[]; readonly flags: Flag[] } {
  const { tokens } = parseArgs({
    args: [...argv],
    options: PARSED_OPTIONS,
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  const words: string[] = [];
  const flags: Flag[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName: written, value, inlineValue } = token;
    flags.push({ name, written, value, isInline: inlineValue === true });
  }
  return { words, flags };
}

const PARSED_OPTIONS = Object.fromEntries([
  ...Array.from(FLAGS, ([name, { option, value }]) => {
    const short = value === 'false' ? undefined : option.short;
    const type = value === undefined ? ('string' as const) : ('boolean' as const);
    return [name, { type, ...(short !== undefined && { short }) }] as const;
  }),
  ['help', { type: 'boolean', short: 'h' }] as const,
  ['version', { type: 'boolean' }] as const,
]);

type FoundCommand = Pick<Invocation, 'command' | 'arguments'>;

function findCommand(words: readonly string[], commands: readonly AnyCommand[]): FoundCommand | undefined {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ');
    const command = commands.find((one) => one.name === name || one.aliases?.includes(name) === true);
    if (command !== undefined) return { command, arguments: words.slice(count) };
  }
  return undefined;
}

/** Commands and options that are not there yet, also where help on them is asked for. */
function plannedIn(
  [name = '']: readonly string[],
  flags: readonly Flag[],
  commands: readonly AnyCommand[],
): Usage | undefined {
  const isThere = commands.some((command) => command.name.split(' ')[0] === name);
  const meanwhile = isThere ? undefined : PLANNED_COMMANDS.get(name);
  if (meanwhile !== undefined) return usage(`the command ${name} is not there yet`, meanwhile);
  for (const { written } of flags) {
    const instead = PLANNED_OPTIONS.get(written);
    if (instead !== undefined) return usage(`${written} is not there yet`, instead);
  }
  return undefined;
}

function helpFor(
  words: readonly string[],
  found: FoundCommand | undefined,
  commands: readonly AnyCommand[],
  width: Width,
): Parsed {
  const [first, second] = words;
  if (first === undefined) return { kind: 'help', text: generalHelp(commands, width) };
  if (found !== undefined) return { kind: 'help', text: commandHelp(found.command, width) };
  if (isTopic(first)) return { kind: 'help', text: topicHelp(first, width) };
  const group = groupNamed(first, commands);
  if (second === undefined && group.length > 0) return { kind: 'help', text: groupHelp(first, group, width) };
  return unknownCommand(words, commands);
}

function groupNamed(word: string, commands: readonly AnyCommand[]): readonly AnyCommand[] {
  return commands.filter(({ name }) => name.startsWith(`${word} `));
}

function unknownCommand([first = '', second]: readonly string[], commands: readonly AnyCommand[]): Usage {
  const group = groupNamed(first, commands);
  if (group.length > 0 && second === undefined) {
    const names = group.map(({ name }) => name.slice(first.length + 1));
    return usage(`${first} needs a command: ${names.join(', ')}`, `"unpackd ${first} --help" describes them`);
  }
  const name = group.length > 0 ? `${first} ${second}` : first;
  const known = commands.flatMap((one) => [one.name, ...(one.aliases ?? [])]);
  const groups = known.flatMap((one) => (one.includes(' ') ? [one.split(' ')[0] ?? ''] : []));
  const meant = nearest(name, group.length > 0 ? known : [...known, ...groups, ...TOPIC_NAMES]);
  return usage(`unknown command '${name}'`, withGuess(meant, ALL));
}

function invocation(
  { command, arguments: values }: FoundCommand,
  written: readonly Flag[],
): Invocation | Usage {
  const flags: Record<string, string> = {};
  for (const flag of written) {
    const known = FLAGS.get(flag.name);
    if (known === undefined) return unknownOption(flag, command);
    const { option, value } = known;
    const hint = helpHint(command);
    if (!takes(command, option)) return usage(`'${flag.written}' is not an option of ${command.name}`, hint);
    if (value !== undefined && flag.isInline)
      return usage(`${flag.written} takes no value: '${flag.written}=${flag.value}'`, hint);
    const text = value ?? flag.value;
    if (text === undefined) return usage(`${flag.written} needs a value: '${synopsisOf(option)}'`, hint);
    // Values are by the name that was written, which messages have.
    flags[value === undefined ? flag.name : option.key] = text;
  }
  const wrong = wrongCount(command, values);
  return wrong ?? { kind: 'run', command, arguments: values, flags };
}

function unknownOption({ written }: Flag, command: AnyCommand): Usage {
  const known = OPTION_TABLE.filter((option) => takes(command, option)).map(({ key }) => `--${key}`);
  return usage(`unknown option '${written}'`, withGuess(nearest(written, known), helpHint(command)));
}

function wrongCount(command: AnyCommand, values: readonly string[]): Usage | undefined {
  const { arguments: expected } = command;
  const how = `usage: ${usageLine(command)}`;
  const missing = expected[values.length];
  if (missing !== undefined && missing.optional !== true && missing.variadic !== true)
    return usage(`'${missing.name}' is missing`, how);
  const isVariadic = expected.at(-1)?.variadic === true;
  const surplus = values[expected.length];
  if (isVariadic || surplus === undefined) return undefined;
  return usage(`too many arguments: '${surplus}'`, how);
}

function helpHint({ name }: AnyCommand): string {
  return `"unpackd ${name} --help" lists its options`;
}

function withGuess(meant: string | undefined, hint: string): string {
  return meant === undefined ? hint : `did you mean ${meant}? ${hint}`;
}

function usage(message: string, hint: string): Usage {
  return { kind: 'usage', message, hint };
}
