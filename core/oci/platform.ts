import { Failure, isFailure } from '../failure.ts';
import { withoutSecrets } from '../secrets.ts';
import { quoted } from '../text.ts';

/** Platform of an image. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Such as `v7`; `undefined` where the architecture has none. */
  readonly variant?: string | undefined;
}

export const LINUX_AMD64: Platform = { os: 'linux', architecture: 'amd64' };

/**
 * Go's architectures for Linux, whose names images use.
 *
 * @see https://go.dev/doc/install/source#environment
 */
const ARCHITECTURES =
  '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x'.split(' ');

/** Names of architectures in the kernel (`uname -m`), and tools that follow it, where Go has others. */
const KERNEL_NAMES: ReadonlyMap<string, { readonly architecture: string; readonly variant?: string }> =
  new Map([
    ['x86_64', { architecture: 'amd64' }],
    ['x86-64', { architecture: 'amd64' }],
    ['i386', { architecture: '386' }],
    ['i686', { architecture: '386' }],
    ['aarch64', { architecture: 'arm64' }],
    ['armv6l', { architecture: 'arm', variant: 'v6' }],
    ['armv7l', { architecture: 'arm', variant: 'v7' }],
    ['armv8l', { architecture: 'arm', variant: 'v8' }],
    ['loongarch64', { architecture: 'loong64' }],
  ]);

/** The variant that an architecture without one means. */
const FIRST_VARIANTS: ReadonlyMap<string, string> = new Map([
  ['amd64', 'v1'],
  ['arm64', 'v8'],
]);

/** A variant becomes part of a path. */
const VARIANT = /^[a-z0-9][a-z0-9._-]{0,31}$/;

const SHAPE = 'write OS/ARCHITECTURE[/VARIANT], such as linux/amd64, linux/arm64 or linux/arm/v7';

/**
 * Reads `OS/ARCHITECTURE[/VARIANT]` in any case; white space around it is ignored. The result has Go's names, and no
 * variant where that is the architecture's first: `linux/aarch64/v8` is `linux/arm64`. Its parts are made of lower-case
 * letters, digits and `.` `_` `-`, the first of which is a letter or digit.
 *
 * @see OCI image specification 1.1, image-index.md, "platform"
 * @throws Failure `platform-invalid`
 */
export function parsePlatform(text: string): Platform {
  const written = text.trim();
  const parts = written.toLowerCase().split('/');
  const [os = '', architecture, variant, ...rest] = parts;
  if (written === '') throw invalid(written, 'it is empty', SHAPE);
  if (/[\s,]/.test(written))
    throw invalid(written, 'it holds a comma or white space', 'write a list of platforms, one in each item');
  if (isArchitecture(os)) throw withoutSystem(written, parts);
  if (architecture === undefined || rest.length > 0)
    throw invalid(written, 'it is not two or three words with slashes in between', SHAPE);
  if (os !== 'linux') throw invalid(written, 'only images for linux can be published', SHAPE);
  if (!isArchitecture(architecture)) {
    const hint = `the architectures are ${ARCHITECTURES.join(', ')}; arm has variants, such as linux/arm/v7`;
    throw invalid(written, 'its architecture is unknown', hint);
  }
  if (variant !== undefined) checkVariant(written, architecture, variant);
  return usualPlatform({ os, architecture, variant });
}

/** `linux/amd64`, `linux/arm/v7`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined || variant === ''
    ? `${os}/${architecture}`
    : `${os}/${architecture}/${variant}`;
}

/** Compares platforms by meaning, however they are written. */
export function equalPlatforms(one: Platform, other: Platform): boolean {
  return formatPlatform(usualPlatform(one)) === formatPlatform(usualPlatform(other));
}

/**
 * The platform with Go's names, which the specification demands and some tools do not write, and without a variant
 * that is the architecture's first.
 */
export function usualPlatform({ os, architecture: name, variant: written }: Platform): Platform {
  const { architecture, variant: implied } = KERNEL_NAMES.get(name) ?? { architecture: name };
  const variant = written === undefined || written === '' ? implied : written;
  const isPlain = variant === undefined || variant === FIRST_VARIANTS.get(architecture);
  return isPlain ? { os, architecture } : { os, architecture, variant };
}

/** Returns true for architectures whose images without a variant are for a certain one. */
function hasFirstVariant(architecture: string): boolean {
  return FIRST_VARIANTS.has(architecture);
}

function isArchitecture(text: string): boolean {
  return ARCHITECTURES.includes(text) || KERNEL_NAMES.has(text);
}

function withoutSystem(written: string, parts: readonly string[]): Failure {
  const meant = ['linux', ...parts.filter((part) => part !== 'linux')].join('/');
  const hint = isPlatformText(meant) ? `write ${meant}` : SHAPE;
  return invalid(written, 'it does not begin with an operating system', hint);
}

function isPlatformText(text: string): boolean {
  try {
    parsePlatform(text);
    return true;
  } catch (error) {
    if (isFailure(error, 'platform-invalid')) return false;
    throw error;
  }
}

function checkVariant(written: string, architecture: string, variant: string): void {
  if (!VARIANT.test(variant)) {
    throw invalid(
      written,
      'its variant is not made of up to 32 letters, digits and . _ -',
      'correct the variant, or leave it out with its slash',
    );
  }
  if (/^[0-9]/.test(variant)) {
    const right = formatPlatform({ os: 'linux', architecture, variant: `v${variant}` });
    throw invalid(written, `the variant ${quoted(variant)} does not begin with v`, `write ${right}`);
  }
  const implied = KERNEL_NAMES.get(architecture)?.variant;
  if (implied !== undefined && implied !== variant) {
    const reason = `${architecture} has the variant ${implied}, not ${quoted(variant)}`;
    throw invalid(written, reason, `write linux/arm/${implied} or linux/arm/${variant}`);
  }
}

function invalid(written: string, reason: string, hint: string): Failure {
  const message = `${quoted(withoutSecrets(written))} is not a valid platform: ${reason}`;
  return new Failure('platform-invalid', message, { hint });
}

/** An entry of an index, as far as the choice among them goes. */
export interface PlatformEntry {
  readonly platform: Platform | undefined;
}

/**
 * The entry of an index for `wanted`, or `undefined`; among equals the first counts. Where no variant is asked for,
 * the architecture's first is meant (`v1` of amd64, `v8` of arm64: what runs everywhere), or any where none is the first
 * (arm).
 *
 * @see OCI image specification 1.1, image-index.md, "platform"
 */
export function choosePlatform<Entry extends PlatformEntry>(
  entries: readonly Entry[],
  wanted: Platform,
): Entry | undefined {
  const exact = entries.find(({ platform }) => platform !== undefined && equalPlatforms(platform, wanted));
  const { os, architecture, variant } = usualPlatform(wanted);
  if (exact !== undefined || variant !== undefined || hasFirstVariant(architecture)) return exact;
  return entries.find(({ platform }) => {
    if (platform === undefined) return false;
    const usual = usualPlatform(platform);
    return usual.os === os && usual.architecture === architecture;
  });
}

/** Returns true where an image for `actual` serves `wanted`: like {@link choosePlatform} with a single entry. */
export function isPlatform(actual: Platform, wanted: Platform): boolean {
  return choosePlatform([{ platform: actual }], wanted) !== undefined;
}

/** The platforms of an index for a message: each once, without attestations (`unknown/unknown`). */
export function listPlatforms(entries: readonly PlatformEntry[]): string[] {
  const names = entries
    .filter(({ platform }) => platform?.os !== 'unknown' || platform.architecture !== 'unknown')
    .map(({ platform }) => (isStated(platform) ? formatPlatform(platform) : 'one without platform'));
  return [...new Set(names)];
}

function isStated(platform: Platform | undefined): platform is Platform {
  return platform !== undefined && (platform.os !== '' || platform.architecture !== '');
}
