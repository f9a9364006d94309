import { DEFAULT_CONFIGURATION_FILE, synopsisOf, variableOf, type Option } from '../configuration/options.ts';
import { EXIT_STATUS_HELP } from '../output/exit-status.ts';
import { wrap } from '../output/problem-text.ts';
import { SECTIONS } from './commands.ts';
import {
  type AnyCommand,
  OPTION_TABLE,
  optionsOn,
  type Topic,
  TOPIC_NAMES,
  TOPICS,
  usageLine,
} from './command.ts';

type Item = readonly [term: string, text: string];

/** Characters in a line of help. */
export interface Width {
  readonly columns: number;
}

export const ABOUT =
  'Publishes container images into a repository below /cvmfs, or a plain directory, in the forms that container runtimes use directly: root file systems, chains and unpacked layers.';

export const PRECEDENCE = `Each option is also an environment variable (--skip-flat is ${variableOf('skip-flat')}=true) and a key of the configuration file (skip-flat: true): ${DEFAULT_CONFIGURATION_FILE}, or the file that --config names. Precedence: command line, environment, file, default.`;

const USAGE = 'Usage: unpackd COMMAND [ARGUMENTS] [OPTIONS]';

/** Commands of unpackd that are no entries of the table. */
const BUILT_IN: Item[] = [
  ['help [COMMAND]', 'Show help, also on one command or topic'],
  ['version', 'Print the version'],
];

/** `unpackd` without arguments */
export function shortHelp(commands: readonly AnyCommand[], { columns }: Width): string {
  const items = bySection(commands).map(([section, own]): Item => [
    `${section}:`,
    own.map(({ name }) => name).join(', '),
  ]);
  return page(columns, [
    [USAGE],
    itemLines(items, columns),
    firstExamples(commands),
    '"unpackd --help" describes all commands, "unpackd COMMAND --help" one of them.',
  ]);
}

/** `unpackd --help` */
export function generalHelp(commands: readonly AnyCommand[], { columns }: Width): string {
  const sections = bySection(commands).map(([section, own], index, all) => {
    const items = own.map(commandItem);
    return [section, items.concat(index === all.length - 1 ? BUILT_IN : [])] as const;
  });
  const term = termWidth(sections.flatMap(([, items]) => items));
  return page(columns, [
    [USAGE],
    ABOUT,
    ...sections.map(([section, items]) => [`${section}:`].concat(itemLines(items, columns, term))),
    firstExamples(commands),
    '"unpackd COMMAND --help" has more on a command. Options, environment and configuration file: "unpackd help options".',
    ['Exit status:', ...itemLines(EXIT_STATUS_ITEMS, columns)],
  ]);
}

/** `unpackd wishlist --help` */
export function groupHelp(group: string, commands: readonly AnyCommand[], { columns }: Width): string {
  return page(columns, [
    [`Usage: unpackd ${group} COMMAND [ARGUMENTS] [OPTIONS]`],
    ['Commands:', ...itemLines(commands.map(commandItem), columns)],
    `"unpackd ${group} COMMAND --help" has more on a command.`,
  ]);
}

/** `unpackd COMMAND --help` */
export function commandHelp(command: AnyCommand, { columns }: Width): string {
  const { summary, details, aliases = [], topics = [], examples } = command;
  const options = optionsOf(command).map(optionItem);
  const values = command.arguments.map(({ name, description }): Item => [name, description]);
  const term = termWidth([...values, ...options]);
  return page(columns, [
    [`Usage: ${usageLine(command)}`],
    details === undefined ? summary : `${summary}. ${details}.`,
    aliases.length === 0 ? [] : [`Also: ${aliases.join(', ')}`],
    values.length === 0 ? [] : ['Arguments:', ...itemLines(values, columns, term)],
    options.length === 0 ? [] : ['Options:', ...itemLines(options, columns, term)],
    ['Examples:', ...examples.flatMap(([line, meaning]) => [`  ${line}`, `      ${meaning}`])],
    [...(topics.length === 0 ? [] : wrap(`More options: ${topicsText(topics)}.`, columns, '')), GENERAL],
  ]);
}

/** `unpackd help TOPIC` */
export function topicHelp(topic: Topic, { columns }: Width): string {
  const isGeneral = topic === 'options';
  const items = [...optionsOn(topic).map(optionItem), ...(isGeneral ? GENERAL_FLAGS : [])];
  const more = [PRECEDENCE, `More options: ${topicsText(TOPIC_NAMES.slice(1))}.`];
  return page(columns, [
    [`${TOPICS[topic].title}:`, ...itemLines(items, columns)],
    ...(isGeneral ? more : [[GENERAL]]),
  ]);
}

const GENERAL = 'General options: see "unpackd help options".';

function topicsText(topics: readonly Topic[]): string {
  return `see "unpackd help TOPIC" for the topics ${topics.join(', ')}`;
}

const GENERAL_FLAGS: readonly Item[] = [
  ['-h, --help', 'show help'],
  ['--version', 'print the version'],
];

const EXIT_STATUS_ITEMS = EXIT_STATUS_HELP.map(([status, meaning]): Item => [String(status), meaning]);

/** The options that the command's own help shows. */
export function optionsOf({ options }: AnyCommand): readonly Option[] {
  return options.flatMap((key) => OPTION_TABLE.filter((option) => option.key === key));
}

/** An option in the help: its summary, its choices and its default. */
export function describeOption({ summary, default: value, unset, type }: Option): string {
  const text = value === 'true' ? `do not ${summary}` : summary;
  const usual = typeof value === 'object' ? value.text : (value ?? unset);
  // of a flag both are obvious
  const isShown = usual !== undefined && usual !== 'true' && usual !== 'false';
  const remarks = [
    ...(type.values === undefined ? [] : [`one of ${type.values.join(', ')}`]),
    ...(isShown ? [`default: ${usual}`] : []),
  ];
  return remarks.length === 0 ? text : `${text} (${remarks.join('; ')})`;
}

function commandItem({ name, summary }: AnyCommand): Item {
  return [name, summary];
}

function optionItem(option: Option): Item {
  return [synopsisOf(option), describeOption(option)];
}

/** The commands of each part of the general help that has any. */
export function bySection(
  commands: readonly AnyCommand[],
): (readonly [section: string, own: readonly AnyCommand[]])[] {
  return Object.entries(SECTIONS)
    .map(([section, names]) => {
      const own = names.flatMap((name) => commands.filter((command) => command.name === name));
      return [section, own] as const;
    })
    .filter(([, own]) => own.length > 0);
}

/** For those who see unpackd for the first time. */
function firstExamples(commands: readonly AnyCommand[]): string[] {
  const names = ['convert-single-image', 'wishlist check', 'convert', 'status'];
  const shown = names.flatMap((name) => commands.filter((command) => command.name === name));
  return ['Examples:', ...shown.map(({ examples: [[line]] }) => `  ${line}`)];
}

function termWidth(items: readonly Item[]): number {
  return items.reduce((width, [term]) => Math.max(width, term.length + 4), 0);
}

/** Terms, and beside each its text, wrapped; where that leaves little room, below it. */
function itemLines(items: readonly Item[], columns: number, width = termWidth(items)): string[] {
  if (width > columns / 2)
    return items.flatMap(([term, text]) => [`  ${term}`, ...wrap(`      ${text}`, columns, '      ')]);
  return items.flatMap(([term, text]) =>
    wrap(`  ${term.padEnd(width - 2)}${text}`, columns, ' '.repeat(width)),
  );
}

/** Paragraphs with an empty line in between; running text is wrapped, lines stay as they are. */
function page(columns: number, paragraphs: readonly (string | readonly string[])[]): string {
  const filled = paragraphs
    .map((paragraph) => (typeof paragraph === 'string' ? wrap(paragraph, columns, '') : paragraph))
    .filter((lines) => lines.length > 0);
  return `${filled.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}
