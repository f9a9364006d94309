import { equalPlatforms, formatPlatform, hasFirstVariant, usualPlatform, type Platform } from './platform.ts';

export { LINUX_AMD64, formatPlatform, type Platform } from './platform.ts';

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

/** Whether what is for `actual` is what `wanted` asks for: like {@link choosePlatform} with a single entry. */
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
