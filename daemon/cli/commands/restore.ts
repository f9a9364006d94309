import { Failure } from '../../../core/failure.ts';
import type { ImageReference } from '../../../core/oci/reference.ts';
import { isPlain, type WantedImage } from '../../../publisher/image/image.ts';
import { parsePlatformName } from '../../../publisher/image/layout.ts';
import { publishedReference } from '../../../publisher/published/published-image.ts';
import { removedNames, type RemovedName } from '../../../publisher/removal/removed-image.ts';
import type { RestoreOutcome } from '../../../publisher/removal/restore.ts';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import type { WishedImage } from '../../../wishlist/meaning/wished-image.ts';
import { NO_SETTINGS } from '../../../wishlist/recipe/settings.ts';
import { wishOf } from '../../../wishlist/recipe/wish.ts';
import { configuredPolicy } from '../../configuration/limits.ts';
import type { CycleContext } from '../../cycle/context.ts';
import { statusOf, tellUnusable, withPublishing } from '../../cycle/publishing.ts';
import { restoreRecorded } from '../../cycle/restoring.ts';
import { workOn, type RepositoryReport } from '../../cycle/repository-work.ts';
import type { Context } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { wakeDaemon } from '../../service/control.ts';
import {
  meantBy,
  namedImage,
  meantRepositories,
  nothingIsCalled,
  recoveredView,
  type NamedImage,
} from '../named-images.ts';

/** An image that is to come back. */
interface Restoration extends NamedImage {
  readonly repository: string;
  readonly isAskedFor: boolean;
}

/** How it did: from its registry, what was reported of that. */
interface Restored extends Pick<Restoration, 'repository' | 'name'> {
  readonly outcome: RestoreOutcome;
  readonly published: RepositoryReport | undefined;
}

export async function restoreImage(context: Context): Promise<ExitStatus> {
  const [argument = ''] = context.arguments;
  const meant = await meantRestorations(context, argument);
  const all = await withPublishing(context, false, async (parts) => {
    const restored: Restored[] = [];
    for (const one of meant) restored.push(await restore(one, context, parts));
    return restored;
  });
  await wakeDaemon(context.configuration.state);
  const published = all.flatMap((one) => one.published ?? []);
  tellUnusable(context, published);
  const lines = all.map((one) => `${textOf(one)}\n`);
  context.output.print(lines.join(''), {
    restored: all.map(({ repository, name, outcome, published: report }) => ({
      repository,
      name,
      outcome: report === undefined ? outcome : 'from-registry',
      images: report?.images,
    })),
  });
  return all.some(({ outcome }) => outcome === 'unknown') ? 1 : statusOf(published);
}

/** @throws Failure `argument-unknown` */
async function meantRestorations(context: Context, argument: string): Promise<Restoration[]> {
  const all: Restoration[] = [];
  for (const [repository, wishes] of await meantRepositories(context)) {
    for (const name of await removedNames(await recoveredView(context, repository))) {
      const image = namedImage(name);
      const isAskedFor = wishes.some(({ publicName }) => publicName === image.publicName);
      all.push({ repository, ...image, isAskedFor });
    }
  }
  const meant = meantBy(argument, all);
  if (meant.length === 0) nothingIsCalled(argument, all, 'nothing was taken back that is called');
  return meant;
}

async function restore(
  { repository, name, isAskedFor }: Restoration,
  context: Context,
  parts: CycleContext,
): Promise<Restored> {
  const { outcome, removed } = await parts.pool.useWithoutSpool(
    repository,
    async (publisher) => await restoreRecorded(publisher, parts.store, { name, isAskedFor }),
  );
  if (outcome !== 'trees-gone' || removed === undefined)
    return { repository, name, outcome, published: undefined };
  const message = `${name} is no longer whole in ${repository}: it is published from its registry again`;
  context.observe({ type: 'note', message });
  const wanted = { ...(await wantedAgain(removed, context)), isByHand: !isAskedFor };
  const published = await workOn({ repository, wanted: [wanted], known: undefined }, parts);
  return { repository, name, outcome, published };
}

/** The image by its digest, under the name that it had. */
async function wantedAgain(
  { publicName: name, platform, manifest, outputs, hasVariantLink }: RemovedName,
  { configuration, arguments: [argument = ''] }: Context,
): Promise<WishedImage & Pick<WantedImage, 'pinned' | 'hasVariantLink'>> {
  const { publicName } = parsePlatformName(name);
  const known = publishedReference(publicName);
  const scheme: ImageReference['scheme'] = argument.startsWith('http://') ? 'http' : known.scheme;
  const reference = { ...known, scheme };
  const wishes = [wishOf({ text: argument, reference }, 1, NO_SETTINGS)];
  const recipe = { file: argument, repositories: ['-'], defaults: NO_SETTINGS, wishes, problems: [] };
  const expansion = await expandRecipes([recipe], noLists, NO_SETTINGS, configuredPolicy(configuration));
  for (const { failure } of expansion.failures) throw failure;
  const [image] = expansion.images;
  if (image === undefined) {
    const message = expansion.problems[0]?.problem.message ?? `${argument} means no image`;
    throw new Failure('not-allowed', message, { hint: 'allow its registry with --allowed-registries' });
  }
  return {
    ...image,
    publicName,
    pinned: manifest.digest,
    hasVariantLink,
    outputs: [...outputs],
    platforms: isPlain(platform) ? undefined : [{ platform, isRequired: true }],
  };
}

/** Nothing that was published is a pattern. */
async function noLists(): Promise<never> {
  return await Promise.reject(new Error('a name is no pattern'));
}

function textOf({ repository, name, outcome, published }: Restored): string {
  if (published !== undefined) {
    const failed = published.stopped ?? published.images.find(({ result }) => result.outcome === 'failed');
    return failed === undefined
      ? `published ${name} again in ${repository}`
      : `${name} is not back in ${repository}: its trees are gone, and it could not be published again`;
  }
  switch (outcome) {
    case 'restored':
      return `restored ${name} in ${repository}`;
    case 'published':
      return `${name} is published in ${repository} already`;
    default:
      return `what is kept of ${name} in ${repository} cannot be read`;
  }
}
