import type { OutputName } from '../../core/outputs.ts';
import type { Platform } from '../../core/oci/platform.ts';

/** How long an image stays published that nobody asks for any more. */
export type Keep = 'forever' | { readonly days: number };

/** What can be said of an image beside its name: by its wish, or by a recipe for all that say nothing themselves. */
export interface WishSettings {
  /** Each once. */
  readonly platforms: readonly Platform[] | undefined;
  /** Each once. */
  readonly outputs: readonly OutputName[] | undefined;
  readonly keep: Keep | undefined;
  /** Patterns of tags that are left out, each once. */
  readonly exclude: readonly string[] | undefined;
  /** Goes before the public name: relative, without empty parts, `.` and `..`; its first part is like no registry. */
  readonly subdirectory: string | undefined;
  /** How many tags a pattern may match. */
  readonly limit: number | undefined;
}

export type SettingKey = keyof WishSettings;

export const SETTING_KEYS = [
  'platforms',
  'outputs',
  'keep',
  'exclude',
  'subdirectory',
  'limit',
] as const satisfies readonly SettingKey[];

export const NO_SETTINGS: WishSettings = {
  platforms: undefined,
  outputs: undefined,
  keep: undefined,
  exclude: undefined,
  subdirectory: undefined,
  limit: undefined,
};

/** What counts: what `settings` say, and where they say nothing `defaults`. */
export function settingsOver(settings: WishSettings, defaults: WishSettings): WishSettings {
  return {
    platforms: settings.platforms ?? defaults.platforms,
    outputs: settings.outputs ?? defaults.outputs,
    keep: settings.keep ?? defaults.keep,
    exclude: settings.exclude ?? defaults.exclude,
    subdirectory: settings.subdirectory ?? defaults.subdirectory,
    limit: settings.limit ?? defaults.limit,
  };
}
