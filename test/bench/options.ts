import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { BACKENDS, type BenchBackend, type GivenImages } from './scenario.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';

export interface BenchOptions {
  readonly isHelp: boolean;
  /** Their names. */
  readonly scenarios: readonly string[];
  readonly backends: readonly BenchBackend[];
  readonly runs: number;
  readonly scale: number;
  readonly json: string | undefined;
  readonly profile: string | undefined;
  readonly folder: string;
  readonly given: GivenImages;
}

const NIGHTS = 2;

const OPTIONS = {
  help: { type: 'boolean', short: 'h', default: false },
  scenario: { type: 'string', multiple: true, default: [] },
  backend: { type: 'string', multiple: true, default: [] },
  runs: { type: 'string', default: '5' },
  scale: { type: 'string', default: '1' },
  json: { type: 'string' },
  profile: { type: 'string' },
  folder: { type: 'string', default: tmpdir() },
  cold: { type: 'string', multiple: true, default: [] },
  small: { type: 'string' },
  night: { type: 'string', multiple: true, default: [] },
} as const satisfies ParseArgsConfig['options'];

export const BENCH_OPTION_NAMES: readonly string[] = Object.keys(OPTIONS);

/** @throws Error that says what is wrong */
export function parseOptions(words: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...words],
    // Names may follow a flag that takes several.
    allowPositionals: true,
    options: OPTIONS,
  });
  const nights = values.night;
  if (nights.length !== 0 && nights.length !== NIGHTS)
    throw new Error('--night is given twice, or not at all');
  return {
    isHelp: values.help,
    scenarios: chosen(
      'scenario',
      [...values.scenario, ...positionals],
      SCENARIOS.map(({ name }) => name),
    ),
    backends: chosen('backend', values.backend, BACKENDS),
    runs: Math.ceil(positive('runs', values.runs)),
    scale: positive('scale', values.scale),
    json: values.json && resolve(values.json),
    profile: values.profile && resolve(values.profile),
    folder: resolve(values.folder),
    given: { cold: values.cold, small: values.small === undefined ? [] : [values.small], nights },
  };
}

/** Those that are named, or all. */
function chosen<Name extends string>(
  option: string,
  names: readonly string[],
  known: readonly Name[],
): readonly Name[] {
  const unknown = names.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`--${option} ${unknown}: it is one of ${known.join(', ')}`);
  return names.length === 0 ? known : known.filter((one) => names.includes(one));
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new Error(`--${option} ${text}: it is a number above 0`);
  return value;
}

export function helpText(): string {
  const width = Math.max(...SCENARIOS.map(({ name }) => name.length));
  const scenarios = SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('');
  return `Usage: npm run bench -- [OPTION...] [SCENARIO...]

Measures unpackd beside the programs that do the same, each pair in turn, and prints the medians.
docs/performance.md explains the figures. It writes up to 60 GB; see --folder.

Options:
  --scenario NAME   one of those below; may be repeated (default: all)
  --backend NAME    ${BACKENDS.join(' or ')} (default: both; cvmfs needs root and a release
                    manager, on which it makes and removes repositories bench-*-*.local)
  --runs NUMBER     how often each program is measured (default: 5)
  --scale NUMBER    size of the images that the bench makes, for a quick run (default: 1)
  --json FILE       write every run of every program
  --profile FOLDER  write CPU profiles of unpackd
  --folder FOLDER   where everything is written (default: ${tmpdir()})
  --cold URL        an image of a registry for the scenarios that begin with an empty repository, such
                    as http://127.0.0.1:5000/lab/tool:1; may be repeated
  --small URL       an image that has one small layer more than those
  --night URL       two builds of an image, each with this option

Scenarios:
${scenarios}`;
}
