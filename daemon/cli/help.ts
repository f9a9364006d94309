import type { Command as Commander, Help } from 'commander';
import type { Argument, CommandDescription, Example } from './command.ts';
import { EXIT_STATUS_HELP } from '../output/exit-status.ts';
import { DEFAULT_CONFIGURATION_FILE, variableOf } from '../configuration/options.ts';
import type { Option } from '../configuration/options.ts';

export const ABOUT = `Publishes container images into a repository below /cvmfs, or a plain directory, in the forms that
container runtimes use directly: root file systems, chains and unpacked layers.`;

/** The help's frame: what commander has by itself, but with the commands before the options. */
export function formatHelp(commander: Commander, help: Help): string {
  const width = help.padWidth(commander, help);
  const item = (term: string, text: string): string => help.formatItem(term, width, text, help);
  const sections = new Map<string, string[]>([['Commands:', commandItems()]]);
  for (const option of help.visibleOptions(commander)) {
    const heading = option.helpGroupHeading ?? 'Options:';
    const items = sections.get(heading) ?? [];
    sections.set(heading, [...items, item(help.optionTerm(option), option.description)]);
  }
  const filled = [['Arguments:', argumentItems()] as const, ...sections].filter(
    ([, items]) => items.length > 0,
  );
  return [
    `Usage: ${help.commandUsage(commander)}`,
    commander.description(),
    ...filled.map(([heading, items]) => [heading, ...items].join('\n')),
    '',
  ].join('\n\n');

  function argumentItems(): string[] {
    return help.visibleArguments(commander).map((argument) => item(argument.name(), argument.description));
  }

  function commandItems(): string[] {
    return help
      .visibleCommands(commander)
      .map((command) => item(help.subcommandTerm(command), command.description()));
  }
}

/** A command in the list of commands: its name and what it takes. */
export function subcommandTerm(commander: Commander): string {
  const values = commander.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? name : `[${name}]`;
  });
  return [commander.name(), ...values].join(' ');
}

/** An argument as the usage shows it. */
export function argumentTerm({ name, variadic, optional }: Argument): string {
  if (variadic === true) return `[${name}...]`;
  return optional === true ? `[${name}]` : name;
}

/** An option in the help: its summary, its choices and its default. */
export function describe({ summary, flag, default: value, unset, type }: Option): string {
  const text = flag.includes('--no-') ? `do not ${summary}` : summary;
  const choices = type.expected.startsWith('one of ') ? ` (${type.expected})` : '';
  const usual = typeof value === 'object' ? value.text : (value ?? unset);
  // of a flag both are obvious
  const isShown = usual !== undefined && usual !== 'true' && usual !== 'false';
  return `${text}${choices}${isShown ? ` (default: ${usual})` : ''}`;
}

/** A command's line in the list of commands. */
export function summaryOf({ summary, aliases }: CommandDescription): string {
  return aliases === undefined || aliases.length === 0 ? summary : `${summary} (also: ${aliases.join(', ')})`;
}

/** What follows the list of commands in the general help. */
export function generalHelp(commands: readonly CommandDescription[]): string {
  return `Examples:
${examplesText(commands.map(({ examples }) => examples[0]))}

${settingsHelp()}

${exitStatusHelp()}

"unpackd COMMAND --help" has more on a command.`;
}

/** What follows the options in the help of one command. */
export function commandHelp({ examples }: CommandDescription): string {
  return `Examples:
${examplesText(examples)}

${settingsHelp()}

${exitStatusHelp()}`;
}

function settingsHelp(): string {
  return `Environment and file:
  Each option is also an environment variable (--skip-flat is ${variableOf('skip-flat')}=true) and a key
  of the configuration file (skip-flat: true), which is ${DEFAULT_CONFIGURATION_FILE} or what
  --config names. An option goes before the environment, that before the file, that before the
  default.`;
}

function exitStatusHelp(): string {
  const lines = EXIT_STATUS_HELP.map(([status, meaning]) => `  ${String(status).padEnd(4)} ${meaning}`);
  return ['Exit status:', ...lines].join('\n');
}

function examplesText(examples: readonly Example[]): string {
  return examples.map(({ line, meaning }) => `  ${line}\n      ${meaning}`).join('\n');
}
