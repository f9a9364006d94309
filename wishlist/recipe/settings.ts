import { Failure } from '../../core/failure.ts';
import type { Platform } from '../../core/oci/platform.ts';
import { looksLikeRegistry } from '../../core/oci/registry-host.ts';
import { type OutputName, isOwnFolder } from '../../core/outputs.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { quoted } from '../../core/text.ts';

/** The time for which an image stays published once nobody asks for it. */
export type Keep = 'forever' | { readonly days: number };

/** Settings of an image beside its name: of its wish, or a recipe's defaults. */
export interface WishSettings {
  /** Each once. */
  readonly platforms: readonly Platform[] | undefined;
  /** Each once. */
  readonly outputs: readonly OutputName[] | undefined;
  readonly keep: Keep | undefined;
  /** How many images stay reachable by their digests that a tag led to before; part of the setting `keep`. */
  readonly keptDigests?: number;
  /** Patterns of tags that patterns do not mean, each once. */
  readonly exclude: readonly string[] | undefined;
  /** Goes before the public name: relative, without empty parts, `.` and `..`; its first part is like no registry. */
  readonly subdirectory: string | undefined;
  /** The most tags that a pattern may match. */
  readonly limit: number | undefined;
}

export type SettingKey = Exclude<keyof WishSettings, 'keptDigests'>;

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

/** Fills the gaps of `settings` from `defaults`. */
export function settingsOver(settings: WishSettings, defaults: WishSettings): WishSettings {
  const keptDigests = settings.keptDigests ?? defaults.keptDigests;
  return {
    ...(keptDigests !== undefined && { keptDigests }),
    platforms: settings.platforms ?? defaults.platforms,
    outputs: settings.outputs ?? defaults.outputs,
    keep: settings.keep ?? defaults.keep,
    exclude: settings.exclude ?? defaults.exclude,
    subdirectory: settings.subdirectory ?? defaults.subdirectory,
    limit: settings.limit ?? defaults.limit,
  };
}

/** `forever`, or days from 1 to 36,500, which is a hundred years. */
export const KEEP = /^(?:forever|[1-9][0-9]{0,3}d|[12][0-9]{4}d|3[0-5][0-9]{3}d|36[0-4][0-9]{2}d|36500d)$/;

/**
 * Reads how long an image is kept: `forever`, or a number of days such as `30d`.
 *
 * @throws Failure `setting-invalid`
 */
export function parseKeep(text: string): Keep {
  if (!KEEP.test(text)) {
    const message = `${quoted(withoutSecrets(text))} is not a valid time to keep images: expected forever, or days from 1d to 36500d`;
    throw new Failure('setting-invalid', message, { hint: 'write keep: forever, or days such as keep: 30d' });
  }
  return text === 'forever' ? text : { days: Number(text.slice(0, -1)) };
}

/** The most images of a tag that a recipe can ask to keep. */
export const MAXIMUM_KEPT_DIGESTS = 100;

const COMPONENT = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const MAXIMUM_COMPONENTS = 10;
const MAXIMUM_CHARACTERS = 200;
const SUBDIRECTORY_HINT = 'write a path such as subdirectory: physics/simulation';

/**
 * Reads the beginning of public names: up to ten components with slashes in between, 200 characters in all.
 *
 * The first one must not look like a registry. Without a subdirectory a public name begins with its registry, so that
 * nobody's images can appear in the place of another registry's. Nor must it be a folder of unpackd's own.
 *
 * @throws Failure `setting-invalid`
 */
export function parseSubdirectory(text: string): string {
  const components = text.split('/');
  if (text.length > MAXIMUM_CHARACTERS || components.length > MAXIMUM_COMPONENTS) {
    const limits = `${MAXIMUM_COMPONENTS} components and ${MAXIMUM_CHARACTERS} characters`;
    throw invalidSubdirectory(text, `it has more than ${limits}`, 'shorten it');
  }
  for (const component of components) checkComponent(text, component);
  const [first = ''] = components;
  if (looksLikeRegistry(first)) {
    const reason = `its first component ${quoted(withoutSecrets(first))} could be the registry of other images`;
    throw invalidSubdirectory(text, reason, 'begin with a name without dots that is not localhost');
  }
  if (isOwnFolder(first)) {
    const reason = `its first component ${quoted(first)} is where unpackd keeps what is everybody's`;
    throw invalidSubdirectory(text, reason, 'begin with another name');
  }
  return text;
}

function checkComponent(text: string, component: string): void {
  if (component === '') {
    const reason = text === '' ? 'it is empty' : 'it has an empty component';
    throw invalidSubdirectory(text, reason, `${SUBDIRECTORY_HINT}, without a slash at its beginning or end`);
  }
  if (COMPONENT.test(component)) return;
  const reason = `the component ${quoted(withoutSecrets(component))} is not made of letters, digits and . _ -, or begins with . or -`;
  throw invalidSubdirectory(text, reason, SUBDIRECTORY_HINT);
}

function invalidSubdirectory(text: string, reason: string, hint: string): Failure {
  const message = `${quoted(withoutSecrets(text))} is not a valid subdirectory: ${reason}`;
  return new Failure('setting-invalid', message, { hint });
}
