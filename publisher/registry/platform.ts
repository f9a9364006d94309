/** What an image runs on. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Such as `v7`; `undefined` where the architecture has none. */
  readonly variant?: string | undefined;
}

export const LINUX_AMD64: Platform = { os: 'linux', architecture: 'amd64' };

/** An entry of an index, as far as the choice among them goes. */
export interface PlatformEntry {
  readonly platform: Platform | undefined;
}

/**
 * The entry of an index for `wanted`, or `undefined`. Where no variant is asked for, the one that runs everywhere
 * (none, or the architecture's first) goes before others; among equals the first counts.
 *
 * @see OCI image specification 1.1, image-index.md, "platform"
 */
export function choosePlatform<Entry extends PlatformEntry>(
  entries: readonly Entry[],
  wanted: Platform,
): Entry | undefined {
  const matching = entries.filter(
    ({ platform }) =>
      platform !== undefined &&
      platform.os === wanted.os &&
      usualArchitecture(platform.architecture) === usualArchitecture(wanted.architecture),
  );
  const exact = matching.find((entry) => variantOf(entry.platform) === variantOf(wanted));
  if (exact !== undefined || wanted.variant !== undefined) return exact;
  return matching[0];
}

/** The platforms of an index for a message: each once, without attestations (`unknown/unknown`). */
export function listPlatforms(entries: readonly PlatformEntry[]): string[] {
  const names = entries
    .filter(({ platform }) => platform?.os !== 'unknown' || platform.architecture !== 'unknown')
    .map(({ platform }) => (platform === undefined ? 'one without platform' : formatPlatform(platform)));
  return [...new Set(names)];
}

/** `linux/amd64`, `linux/arm/v7`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined || variant === ''
    ? `${os}/${architecture}`
    : `${os}/${architecture}/${variant}`;
}

/** Some tools write the names of the kernel instead of those of Go, which the specification demands. */
function usualArchitecture(architecture: string): string {
  if (architecture === 'x86_64' || architecture === 'x86-64') return 'amd64';
  return architecture === 'aarch64' ? 'arm64' : architecture;
}

/** The variant, with the first of an architecture taken as none: both mean the same. */
function variantOf(platform: Platform | undefined): string {
  if (platform?.variant === undefined) return '';
  const architecture = usualArchitecture(platform.architecture);
  const isFirst =
    (architecture === 'amd64' && platform.variant === 'v1') ||
    (architecture === 'arm64' && platform.variant === 'v8');
  return isFirst ? '' : platform.variant;
}
