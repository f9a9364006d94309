/** What unpackd itself has at the root of a repository: every output adds its own, so that no image can be in its place. */
export const OWN_FOLDERS = {
  layers: '.layers',
  chains: '.chains',
  flat: '.flat',
  podman: 'podmanStore',
  /** Images for other platforms than linux/amd64. */
  platforms: '.multiarch',
  /** Manifests, and what else is known of images. */
  metadata: '.metadata',
  /** What unpackd has published whole. */
  records: '.unpackd',
} as const;

const NAMES: ReadonlySet<string> = new Set(Object.values(OWN_FOLDERS).map((name) => name.toLowerCase()));

/**
 * Whether the first component of a path in a repository belongs to unpackd, or to CernVM-FS, in any case: some file systems
 * take upper and lower case for the same.
 */
export function isOwnFolder(component: string): boolean {
  const name = component.toLowerCase();
  return NAMES.has(name) || name.startsWith('.cvmfs');
}
