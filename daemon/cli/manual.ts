import { argumentOf, DEFAULT_CONFIGURATION_FILE, flagsOf, type Option } from '../configuration/options.ts';
import { EXIT_STATUS_HELP } from '../output/exit-status.ts';
import { COMMANDS } from './commands.ts';
import { ABOUT, bySection, describeOption, optionsOf, PRECEDENCE } from './help.ts';
import {
  type AnyCommand,
  argumentTerm,
  OPTION_TABLE,
  optionsOn,
  type Topic,
  TOPIC_NAMES,
  TOPICS,
} from './command.ts';

/** A page of the manual, in the macros of man(7). */
interface ManualPage {
  /** Such as `unpackd.1`. */
  readonly file: string;
  readonly text: string;
}

/** Made from the tables of commands and options. */
export function manualPages(version: string): readonly ManualPage[] {
  return [
    { file: 'unpackd.1', text: programPage(version) },
    { file: 'unpackd.yaml.5', text: configurationPage(version) },
  ];
}

function programPage(version: string): string {
  return page('UNPACKD', 1, version, [
    section('NAME', ['unpackd \\- publish container images into CernVM-FS']),
    section('SYNOPSIS', [`.B unpackd\n.I COMMAND\n[ARGUMENTS] [OPTIONS]`]),
    section('DESCRIPTION', [escaped(ABOUT)]),
    section(
      'COMMANDS',
      bySection(COMMANDS).map(([title, own]) => subsection(title, own.map(commandText))),
    ),
    section('OPTIONS', [escaped(PRECEDENCE), ...TOPIC_NAMES.map(topicText)]),
    section(
      'EXIT STATUS',
      EXIT_STATUS_HELP.map(([status, meaning]) => item(bold(String(status)), escaped(`${meaning}.`))),
    ),
    section('FILES', [
      item(`.I ${escaped(DEFAULT_CONFIGURATION_FILE)}`, 'The configuration: see unpackd.yaml(5).'),
    ]),
    section('SEE ALSO', ['.BR unpackd.yaml (5),\n.BR cvmfs_server (8),\n/usr/share/doc/unpackd']),
  ]);
}

function configurationPage(version: string): string {
  const options = OPTION_TABLE.filter(({ notInFile }) => notInFile !== true);
  return page('UNPACKD.YAML', 5, version, [
    section('NAME', ['unpackd.yaml \\- configuration of unpackd']),
    section('DESCRIPTION', [
      escaped(
        `A YAML mapping of keys to values. unpackd reads ${DEFAULT_CONFIGURATION_FILE}, or the file that --config names. The command line and the environment take precedence. "unpackd config check" finds mistakes, "unpackd config show" prints what is in force.`,
      ),
    ]),
    section('KEYS', [
      ...options.map((option) =>
        item(bold(option.key), `${optionText(option)}\n.br\n${escaped(`Value: ${option.type.expected}.`)}`),
      ),
      item(
        bold('registries'),
        'Credentials, mirrors and certificates of registries, by host: see operators.md.',
      ),
      item(bold('sources'), 'Wishlists in git repositories, at URLs and in files: see operators.md.'),
    ]),
    section('SEE ALSO', ['.BR unpackd (1),\n/usr/share/doc/unpackd/docs/operators.md']),
  ]);
}

function topicText(topic: Topic): string {
  const items = optionsOn(topic).map((option) => item(synopsisText(option), optionText(option)));
  return subsection(escaped(TOPICS[topic].title), items);
}

function commandText(command: AnyCommand): string {
  const { name, aliases = [], summary, details, examples, arguments: values } = command;
  const usage = [bold(`unpackd ${name}`), ...values.map((value) => escaped(argumentTerm(value)))].join(' ');
  const sentences = [summary, details, ...aliases.map((alias) => `Also: ${alias}`)];
  const options = optionsOf(command).map((option) => flagsOf(option).join(', '));
  const text = sentences.flatMap((sentence) => (sentence === undefined ? [] : [`${sentence}.`])).join(' ');
  const lines = [
    item(usage, escaped(text)),
    ...values.map(({ name: value, description }) => `.br\n${escaped(`${value}: ${description}.`)}`),
    ...(options.length === 0 ? [] : [`.br\n${escaped(`Options: ${options.join(', ')}.`)}`]),
    ...examples.map(([line, meaning]) => `.br\n${bold(line)} ${escaped(`(${meaning})`)}`),
  ];
  return lines.join('\n');
}

function optionText(option: Option): string {
  // Markdown: of links the text, of code the words
  const details = (option.details ?? '')
    .replace(/\[([^[\]]{1,200})\]\([^()]{1,200}\)/g, '$1')
    .replaceAll('`', '');
  const text = describeOption(option);
  return escaped(`${text[0]?.toUpperCase()}${text.slice(1)}. ${details}`.trim());
}

/** `-t, --temporary-dir <dir>`, the flags in bold, the value in italics. */
function synopsisText(option: Option): string {
  const value = argumentOf(option);
  const bolds = flagsOf(option).map((flag) => `\\fB${escaped(flag)}\\fR`);
  return `${bolds.join(', ')}${value === undefined ? '' : ` \\fI${escaped(value)}\\fR`}`;
}

function page(title: string, chapter: number, version: string, sections: readonly string[]): string {
  return `.TH ${title} ${chapter} "" "unpackd ${version}" "unpackd manual"\n${sections.join('\n')}\n`;
}

function section(title: string, parts: readonly string[]): string {
  return [`.SH ${title}`, ...parts].join('\n');
}

function subsection(title: string, parts: readonly string[]): string {
  return [`.SS ${title}`, ...parts].join('\n');
}

function item(term: string, text: string): string {
  return `.TP\n${term}\n${text}`;
}

function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

/** Text as roff takes it: no escape, no minus that becomes a hyphen, no line that begins as a request. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll("'", '\\(aq')
    .replace(/^\./gm, '\\&.');
}
