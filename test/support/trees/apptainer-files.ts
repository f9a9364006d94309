/** What a flat tree holds beside its image: apptainer's start-up files and mount points, and the catalog markers. */
const ADDED = new Set(
  '.singularity.d .exec .run .shell .test environment singularity .cvmfscatalog dev proc sys tmp var/tmp root home etc/hosts etc/resolv.conf'.split(
    ' ',
  ),
);

/** For a comparison with the image's own tree: paths that the runtime's files may have added. */
export function isAddedForApptainer(path: string): boolean {
  return ADDED.has(path) || path.endsWith('/.cvmfscatalog');
}
