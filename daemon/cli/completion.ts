import { argumentOf, flagsOf, type Option } from '../configuration/options.ts';
import type { InspectionContext } from '../output/context.ts';
import type { ExitStatus } from '../output/exit-status.ts';
import { groupBy } from '../../core/group-by.ts';
import { reportEarlyEnd } from '../output/problem-text.ts';
import { asksForJson } from './command-line.ts';
import { COMMANDS, SHELLS } from './commands.ts';
import { type AnyCommand, OPTION_TABLE, optionsOn, takes, TOPIC_NAMES } from './command.ts';

type Shell = (typeof SHELLS)[number];

export function printCompletion(context: InspectionContext): ExitStatus {
  const [name] = context.arguments;
  const shell = SHELLS.find((known) => known === name);
  if (shell !== undefined) {
    context.stdout.write(completionScript(shell, COMMANDS));
    return 0;
  }
  const { environment } = context.sources;
  const problem = {
    code: 'usage',
    message: `'${name}' is not a known shell`,
    hint: `name one of ${SHELLS.join(', ')}`,
  } as const;
  reportEarlyEnd([problem], { ...context, environment, json: asksForJson([], environment) });
  return 2;
}

/** The script that makes a shell complete commands, options and values that are fixed. */
export function completionScript(shell: Shell, commands: readonly AnyCommand[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](commands);
}

type Values = readonly string[] | 'files' | 'directories' | 'any';

function valuesOf(option: Option): Values | undefined {
  const what = argumentOf(option);
  if (what === undefined) return undefined;
  if (what === 'dir') return 'directories';
  return what === 'file' || what === 'files' ? 'files' : (option.type.values ?? 'any');
}

/** A place in the command line: after the words of a command, of a group, or none. */
interface Position {
  readonly words: readonly string[];
  readonly options: readonly Option[];
  /** For each argument; those of the last one may follow any number of times where `isOpen`. */
  readonly values: readonly Values[];
  readonly isOpen: boolean;
}

function positionsOf(commands: readonly AnyCommand[]): readonly Position[] {
  const names = commands.flatMap((command) =>
    [command.name, ...(command.aliases ?? [])].map((name) => ({ words: name.split(' '), command })),
  );
  const byFirst = groupBy(names, ({ words: [first = ''] }) => first);
  const groups = Array.from(byFirst, ([first, own]) =>
    wordsAt(
      [first],
      own.flatMap(({ words }) => words.slice(1)),
    ),
  );
  return [
    wordsAt([], [...byFirst.keys(), 'help', 'version']),
    wordsAt(['help'], [...byFirst.keys(), ...TOPIC_NAMES]),
    ...groups.filter(({ values: [words = []] }) => words.length > 0),
    ...names.map(({ words, command }) => positionOf(words, command)),
  ];
}

function wordsAt(words: readonly string[], values: readonly string[]): Position {
  return { words, options: optionsOn('options'), values: [values], isOpen: false };
}

function positionOf(words: readonly string[], command: AnyCommand): Position {
  return {
    words,
    options: OPTION_TABLE.filter((option) => takes(command, option)),
    values: command.arguments.map(({ values }): Values => values ?? 'any'),
    isOpen: command.arguments.at(-1)?.variadic === true,
  };
}

/** Shell code that offers values at the cursor. */
interface Dialect {
  readonly files: string;
  readonly directories: string;
  readonly words: (words: string) => string;
}

const BASH: Dialect = {
  files: 'names; reply -f',
  directories: 'names; reply -d',
  words: (words) => `reply -W '${words}'`,
};

const ZSH: Dialect = {
  files: '_files',
  directories: '_files -/',
  words: (words) => `compadd -- ${words}`,
};

function actionFor(values: Values, dialect: Dialect): string {
  if (values === 'any') return ':';
  return typeof values === 'string' ? dialect[values] : dialect.words(values.join(' '));
}

/** Branches of a `case` over an option, for its values. */
function optionBranches(dialect: Dialect): string {
  const byAction = new Map<string, string[]>();
  for (const option of OPTION_TABLE) {
    const values = valuesOf(option);
    if (values === undefined) continue;
    const action = actionFor(values, dialect);
    byAction.set(action, [...(byAction.get(action) ?? []), ...flagsOf(option)]);
  }
  return Array.from(byAction, ([action, flags]) => `    ${flags.join('|')}) ${action}; return ;;`).join('\n');
}

function flagsWithValue(): string {
  const options = OPTION_TABLE.filter((option) => valuesOf(option) !== undefined);
  return options.flatMap(flagsOf).join('|');
}

/** Branches of a `case` over the words so far, for what may follow them. */
function positionBranches(commands: readonly AnyCommand[], dialect: Dialect): string {
  // The longer name first: "config check" is in the group "config".
  const positions = positionsOf(commands).toSorted((a, b) => b.words.length - a.words.length);
  return positions
    .map(({ words, options, values, isOpen }) => {
      const flags = dialect.words([...options.flatMap(flagsOf), '--help'].join(' '));
      const branches = values.map((one, index) => {
        const count = isOpen && index === values.length - 1 ? '*' : String(words.length + index);
        return `        ${count}) ${actionFor(one, dialect)} ;;`;
      });
      return [
        words.length === 0 ? '    *)' : `    ' ${words.join(' ')} '*)`,
        `      if [[ $cur == -* ]]; then ${flags}; return; fi`,
        ...(branches.length === 0 ? [] : ['      case $count in', ...branches, '      esac']),
        '      ;;',
      ].join('\n');
    })
    .join('\n');
}

function bashScript(commands: readonly AnyCommand[]): string {
  return `# Completion of unpackd for bash, made by "unpackd completion bash".
_unpackd() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} words=() count i
  names() { compopt -o filenames 2>/dev/null; }
  reply() { mapfile -t COMPREPLY < <(compgen "$@" -- "$cur"); }
  # bash takes "=" for a word of its own.
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  COMPREPLY=()
  case $prev in
${optionBranches(BASH)}
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      =) ((i++)) ;;
      ${flagsWithValue()}) if [[ \${COMP_WORDS[i + 1]} != = ]]; then ((i++)); fi ;;
      -*) ;;
      *) words+=("\${COMP_WORDS[i]}") ;;
    esac
  done
  count=\${#words[@]}
  case " \${words[*]} " in
${positionBranches(commands, BASH)}
  esac
}
complete -F _unpackd unpackd
`;
}

function zshScript(commands: readonly AnyCommand[]): string {
  return `#compdef unpackd
# Completion of unpackd for zsh, made by "unpackd completion zsh".
_unpackd() {
  local cur=\${words[CURRENT]} prev=\${words[CURRENT - 1]} count i
  local -a found
  if [[ $cur == --*=* ]]; then prev=\${cur%%=*}; compset -P '*='; fi
  case $prev in
${optionBranches(ZSH)}
  esac
  for ((i = 2; i < CURRENT; i++)); do
    case \${words[i]} in
      ${flagsWithValue()}) ((i++)) ;;
      -*) ;;
      *) found+=("\${words[i]}") ;;
    esac
  done
  count=\${#found}
  case " $found " in
${positionBranches(commands, ZSH)}
  esac
}
if [[ $funcstack[1] == _unpackd ]]; then _unpackd "$@"; else compdef _unpackd unpackd; fi
`;
}

function fishScript(commands: readonly AnyCommand[]): string {
  const summaries = new Map(commands.map(({ name, summary }) => [name, summary]));
  const lines = positionsOf(commands).flatMap((position) => {
    const at = fishAt(position, undefined);
    return position.values
      .flatMap((values, index) => fishValues(values, index, position, summaries))
      .concat(position.options.map((option) => `${at} ${fishOption(option)}`));
  });
  return `# Completion of unpackd for fish, made by "unpackd completion fish".
function __unpackd_words
    set -l tokens (commandline -opc)
    set -l skip 0
    for token in $tokens[2..-1]
        if test $skip = 1
            set skip 0
        else if string match -qr '^(${flagsWithValue()})$' -- $token
            set skip 1
        else if not string match -q -- '-*' $token
            echo $token
        end
    end
end
function __unpackd_at
    set -l words (__unpackd_words)
    set -l wanted $argv[2..-1]
    test $argv[1] = any -o $argv[1] = (count $words); or return 1
    test -z "$wanted"; or string match -q -- "$wanted *" "$words "
end
complete -c unpackd -f
${lines.join('\n')}
`;
}

/** Completes where the words of the position stand, with `index` arguments behind them, or any number. */
function fishAt({ words, isOpen, values }: Position, index: number | undefined): string {
  const isAny = index === undefined ? words.length > 0 : isOpen && index === values.length - 1;
  const count = isAny ? 'any' : String(words.length + (index ?? 0));
  return `complete -c unpackd -n '__unpackd_at ${[count, ...words].join(' ')}'`;
}

function fishValues(
  values: Values,
  index: number,
  position: Position,
  summaries: ReadonlyMap<string, string>,
): string[] {
  const at = fishAt(position, index);
  if (values === 'any') return [];
  if (typeof values === 'string') return [`${at} -F`];
  return values.map((value) => {
    const summary = summaries.get([...position.words, value].join(' '));
    return `${at} -f -a ${value}${summary === undefined ? '' : ` -d ${quotedForFish(summary)}`}`;
  });
}

function fishOption(option: Option): string {
  const [long = '', short] = flagsOf(option).toReversed();
  const flags = [`-l ${long.slice(2)}`, ...(short === undefined ? [] : [`-s ${short.slice(1)}`])].join(' ');
  const values = valuesOf(option);
  const text = `-d ${quotedForFish(option.summary)}`;
  if (values === undefined) return `${flags} ${text}`;
  if (values === 'any') return `${flags} -x ${text}`;
  if (values === 'files') return `${flags} -r -F ${text}`;
  if (values === 'directories') return `${flags} -x -a '(__fish_complete_directories)' ${text}`;
  return `${flags} -x -a '${values.join(' ')}' ${text}`;
}

function quotedForFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
