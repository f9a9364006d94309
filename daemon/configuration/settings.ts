import { suggestion, printable } from '../../core/text.ts';
import type { Machine, Sources } from './configuration-sources.ts';
import { OPTIONS, variableOf } from './options.ts';
import type { Environment, Option } from './options.ts';
import type { Place } from './value-types.ts';

/** Who said what an option is. */
export type Origin =
  | { readonly kind: 'option'; readonly name: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'file'; readonly file: string; readonly line: number };

/** A value as somebody wrote it. */
export interface Setting {
  readonly origin: Origin;
  /** `undefined` where the configuration file holds something that is no single value. */
  readonly text: string | undefined;
  readonly place: Place;
}

/** Settings by the option's key, in the order in which they count. */
export type Settings = ReadonlyMap<string, readonly Setting[]>;

const TABLE: readonly Option[] = Object.values(OPTIONS);
const VARIABLES = TABLE.map(({ key }) => variableOf(key));
const FORMER_VARIABLES = TABLE.flatMap(({ formerKey }) =>
  formerKey === undefined ? [] : variableOf(formerKey),
);

/** Where somebody said it: `--wait`, `UNPACKD_WAIT` or `/etc/unpackd/unpackd.yaml:7`. */
export function originText(origin: Origin): string {
  return origin.kind === 'file' ? `${origin.file}:${origin.line}` : origin.name;
}

/** The same with the key, for messages. */
export function placeOf(origin: Origin, key: string): string {
  return origin.kind === 'file' ? `${originText(origin)}: ${key}` : originText(origin);
}

/** What the command line and the environment say. */
export function settingsOf(
  { flags, environment }: Sources,
  { workingDirectory: folder, home }: Machine,
): Map<string, readonly Setting[]> {
  const place: Place = { folder, home };
  const given = new Map<string, readonly Setting[]>();
  for (const { key, formerKey, variables = [] } of TABLE) {
    const settings: Setting[] = [];
    const names = formerKey === undefined ? [key] : [key, formerKey];
    for (const name of names) {
      const text = flags[name];
      if (text !== undefined) settings.push({ origin: { kind: 'option', name: `--${name}` }, text, place });
    }
    for (const name of [...names.map(variableOf), ...variables]) {
      const text = environment[name] ?? '';
      if (text !== '') settings.push({ origin: { kind: 'variable', name }, text, place });
    }
    if (settings.length > 0) given.set(key, settings);
  }
  return given;
}

/** Problems for variables that look like those of options, and are not. */
export function unknownVariables(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((variable) => variable.startsWith('UNPACKD_'))
    .filter((variable) => ![...VARIABLES, ...FORMER_VARIABLES].includes(variable))
    .map(
      (variable) =>
        `there is no option for the environment variable ${printable(variable)}${suggestion(variable, VARIABLES) || '; remove it, or see "unpackd --help"'}`,
    );
}
