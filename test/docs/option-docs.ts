import { OPTION_GROUPS, type Option } from '../../daemon/configuration/options.ts';

const GROUPS: readonly (readonly [string, readonly Option[]])[] = Object.entries(OPTION_GROUPS).map(
  ([group, options]) => [group, Object.values(options)],
);
const COLUMNS = 110;

/** The documents with a part that is generated, each with what belongs there. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  'docs/operators.md': optionTables,
  'examples/unpackd.yaml': optionExamples,
};

/** `text` with `part` between the lines that say where the generated part begins and ends. */
export function withGenerated(text: string, part: string): string {
  const found = /^[^\n]*BEGIN OPTIONS[^\n]*\n(.*?)^[^\n]*END OPTIONS/ms.exec(text);
  if (found === null) throw new Error('there are no lines BEGIN OPTIONS and END OPTIONS');
  const [whole, earlier = ''] = found;
  return text.replace(whole, () => whole.replace(earlier, () => `\n${part}\n`));
}

/** What counts where nobody says anything, as the documents show it. */
export function shownDefault({ default: value, unset = 'none' }: Option): string {
  if (value === undefined) return unset;
  return typeof value === 'string' ? `\`${value}\`` : value.text;
}

/** Markdown: a table for each group, in the form that prettier gives it. */
function optionTables(): string {
  return GROUPS.map(([group, options]) => {
    const rows = options.map((option) => [`\`${option.key}\``, shownDefault(option), meaning(option)]);
    return `**${group}**\n\n${markdownTable([['key', 'default', 'meaning'], ...rows])}`;
  }).join('\n');
}

function meaning({ summary, details, type }: Option): string {
  const choices = choicesOf(type).map((one) => `\`${one}\``);
  const text = choices.length === 0 ? summary : `${summary} (${choices.join(', ')})`;
  return details === undefined ? text : `${text}. ${details}`;
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  lines.splice(
    1,
    0,
    widths.map((width) => '-'.repeat(width)),
  );
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** YAML: each option that a file may have, with its default or an example, all of it in comments. */
function optionExamples(): string {
  return GROUPS.flatMap(([group, all]) => {
    const options = all.filter(({ notInFile }) => notInFile !== true);
    return options.length === 0 ? [] : `# ---- ${group} ----\n${options.map(exampleOf).join('')}`;
  }).join('\n');
}

function exampleOf(option: Option): string {
  const choices = choicesOf(option.type);
  const sentences = [
    capitalised(option.summary),
    ...(choices.length === 0 ? [] : [`One of ${choices.join(', ')}`]),
    withoutLinks(option.details ?? '').replace(/\.$/, ''),
  ];
  const value = typeof option.default === 'string' ? option.default : option.example;
  if (value === undefined) throw new Error(`${option.key} needs an example`);
  const shown = value.startsWith('*') ? `'${value}'` : value;
  const comment = wrapped(`${sentences.filter((one) => one !== '').join('. ')}.`).map(
    (line) => `# ${line}\n`,
  );
  return `${comment.join('')}# ${option.key}: ${shown}\n`;
}

function choicesOf({ expected }: Option['type']): string[] {
  return /^one of (.*)$/.exec(expected)?.[1]?.split(', ') ?? [];
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function withoutLinks(markdown: string): string {
  return markdown.replaceAll(/ ?See \[[^\]]*\]\([^)]*\)\./g, '').replaceAll('`', '');
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length > COLUMNS) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
