import type { OptionValues } from '../option-values.ts';
import type { Configuration, Environment, OptionKey } from '../options.ts';
import type { Findings } from './finding.ts';

/** What checks of a configuration work with. */
export interface CheckContext {
  readonly configuration: Configuration;
  readonly options: OptionValues;
  readonly environment: Environment;
  readonly findings: Findings;
  /** Where an option was set, with its key, for messages. */
  readonly placeOf: (key: OptionKey) => string;
}
