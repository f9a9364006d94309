import { Failure } from '../../core/failure.ts';
import { groupBy } from '../../core/group-by.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import type { WantedImage } from '../../publisher/image/image.ts';
import { parsePlatformName } from '../../publisher/image/layout.ts';
import { labelOf, Results } from '../../publisher/image/results.ts';
import type { RepositoryPublisher } from '../../publisher/pipeline/repository-publisher.ts';
import { publishedNames } from '../../publisher/published/find-published.ts';
import type { ImageFindings } from '../../publisher/verification/finding.ts';

/**
 * Reports whether the public name leads to another image than the manifest says: nothing in the repository says which of
 * them is right.
 */
export function leadsElsewhere({ name, findings }: ImageFindings): boolean {
  const { publicName } = parsePlatformName(name);
  return findings.some(({ kind, path }) => kind === 'target' && (path === name || path === publicName));
}

/**
 * Publishes what the names mean at their registries now, where that is another image than what their manifests say.
 *
 * @returns by name, why that failed
 * @throws Failure that is no image's own
 */
export async function republish(
  publisher: RepositoryPublisher,
  names: readonly string[],
  referenceOf: (name: string) => ImageReference | undefined,
): Promise<ReadonlyMap<string, Failure>> {
  if (names.length === 0) return new Map();
  const published = groupBy(
    await publishedNames(publisher.view),
    (name) => parsePlatformName(name).publicName,
  );
  const wanted = new Map<WantedImage, readonly string[]>();
  for (const [publicName, ofOne] of groupBy(names, (name) => parsePlatformName(name).publicName)) {
    const reference = referenceOf(ofOne[0] ?? '');
    // All of its platforms: whether it has a variant link depends on how many there are.
    const all = new Set([...(published.get(publicName) ?? []), ...ofOne]);
    const platforms = Array.from(all, (name) => ({
      platform: parsePlatformName(name).platform,
      isRequired: true,
    }));
    if (reference !== undefined)
      wanted.set({ reference, publicName, platforms, outputs: undefined, isNamed: true }, ofOne);
  }
  const failures = new Map<string, Failure>();
  const results = new Results([...wanted.keys()], publisher.context.observe, (part, result) => {
    if (result.outcome !== 'failed') return;
    const { code, message, hint } = result;
    const failure = new Failure(code, message, { hint });
    for (const name of wanted.get(part.wanted) ?? []) failures.set(name, failure);
  });
  const pending = await publisher.resolve([...wanted.keys()], results);
  await publisher.publishImages(pending, ({ part }) => labelOf(part));
  return failures;
}
