import { Minimatch } from 'minimatch';
import { Failure } from '../../core/failure.ts';
import { nearest } from '../../core/text.ts';
import { parsePlatformName } from '../../publisher/image/layout.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import { referenceText } from '../../publisher/published/published-image.ts';
import { createBackend } from '../cycle/backend.ts';
import type { Context } from '../output/context.ts';
import { withReadState } from '../state/open-state.ts';
import type { WishRecord } from '../state/state.ts';
import { argumentUnknown, assertKnownRepository, imageArgument } from './known.ts';

/** An image in a repository, by its names. */
export interface NamedImage {
  /** As `platformName` gives it. */
  readonly name: string;
  /** The name that it has, or would have, for linux/amd64. */
  readonly publicName: string;
  /** `<registry>/<repository>:<tag>`, where it is known: without a subdirectory. */
  readonly image: string | undefined;
}

/** The repositories that a command is about, with the lines that ask for images in each. */
export async function meantRepositories(
  context: Pick<Context, 'configuration'>,
): Promise<ReadonlyMap<string, readonly WishRecord[]>> {
  const { repository } = context.configuration;
  if (repository !== undefined) await assertKnownRepository(context, repository);
  return await withReadState(context, async ({ repositories, wishes }) => {
    const known = (await repositories.all()).map(({ name }) => name);
    const names = repository === undefined ? known : [repository];
    if (names.length === 0)
      throw new Failure('argument-unknown', 'no repository is known here', {
        hint: 'name one with --repository',
      });
    const found = new Map<string, readonly WishRecord[]>();
    for (const name of names) found.set(name, await wishes.of(name));
    return found;
  });
}

/** What the name of a published image says of it. */
export function namedImage(name: string): NamedImage {
  const { publicName } = parsePlatformName(name);
  return { name, publicName, image: referenceText(publicName) };
}

/** The published state of a repository, where no crash has left a publication that is still to be completed. */
export async function recoveredView(
  { configuration, observe }: Pick<Context, 'configuration' | 'observe'>,
  repository: string,
): Promise<RepositoryView> {
  const backend = createBackend(configuration);
  if (!configuration.dryRun) await backend.recover(repository, (type, message) => observe({ type, message }));
  return backend.view(repository);
}

/** Those of `images` that `argument` means: one of their names, or a pattern of such. */
export function meantBy<Image extends NamedImage>(argument: string, images: readonly Image[]): Image[] {
  const text = imageArgument(argument);
  const isPattern = text.includes('*');
  const glob = isPattern ? new Minimatch(text, GLOB) : undefined;
  return images.filter(({ name, publicName, image }) =>
    [name, publicName, image].some((one) => one !== undefined && (one === text || glob?.match(one) === true)),
  );
}

/** Public names have all kinds of characters: `*` alone has a meaning. */
const GLOB = {
  dot: true,
  nobrace: true,
  nocomment: true,
  noext: true,
  noglobstar: true,
  nonegate: true,
  platform: 'linux',
} as const;

/** @throws Failure `argument-unknown` */
export function nothingIsCalled(argument: string, images: readonly NamedImage[], what: string): never {
  const names = images.flatMap(({ publicName, image }) => [
    publicName,
    ...(image === undefined ? [] : [image]),
  ]);
  throw argumentUnknown(
    `${what} ${imageArgument(argument)}`,
    nearest(imageArgument(argument), names),
    'write its public name, or its registry, repository and tag',
  );
}
