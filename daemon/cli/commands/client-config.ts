import type { ExitStatus } from '../../output/exit-status.ts';
import type { Context } from '../../output/context.ts';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { platformName } from '../../../publisher/image/layout.ts';
import { storeRoot } from '../../../publisher/outputs/podman/paths.ts';
import { Failure } from '../../../core/failure.ts';
import { nearest, quoted } from '../../../core/text.ts';
import { LINUX_AMD64, type Platform } from '../../../core/oci/platform.ts';
import { firstPublicName } from '../../client-config/public-name.ts';
import { CLIENT_KINDS, SNIPPETS, type ClientKind, type ClientView } from '../../client-config/snippets.ts';
import { argumentUnknown } from '../known.ts';
import type { Configuration } from '../../configuration/options.ts';
import { publishedView, createBackend } from '../../cycle/backend.ts';
import { assertRepositoryName } from '../../configuration/repositories.ts';

export async function clientConfig({
  arguments: [kind = '', repository = ''],
  configuration,
  output,
}: Context): Promise<ExitStatus> {
  const client = parseKind(kind);
  assertRepositoryName(repository);
  const view = await clientView(configuration, repository);
  assertThere(client, view, configuration);
  const found = SNIPPETS[client](view);
  const text = found.map((snippet) => `# ${snippet.place}\n${snippet.text}`).join('\n');
  // Split into lines: strings of a document must not have line ends.
  const files = found.map((snippet) => ({
    place: snippet.place,
    lines: snippet.text.trimEnd().split('\n'),
  }));
  output.print(text, { kind, repository, files });
  return 0;
}

function parseKind(text: string): ClientKind {
  const kind = CLIENT_KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  const meant = nearest(text.toLowerCase(), CLIENT_KINDS);
  const known = `there is ${CLIENT_KINDS.join(', ')}`;
  throw new Failure('configuration-invalid', `there is no configuration for ${quoted(text)}`, {
    hint: meant === undefined ? known : `did you mean ${meant}? ${known}`,
  });
}

/**
 * Every podman command fails if a configured store is missing. Looks both where clients see the repository and where it is
 * published.
 *
 * @throws Failure `argument-unknown`
 */
function assertThere(kind: ClientKind, view: ClientView, { root }: Configuration): void {
  const { repository, path, store } = view;
  const published = join(root, repository);
  if (![path, published].some((place) => existsSync(place))) {
    const message = `there is no repository ${repository}: neither ${path} nor ${published} is there`;
    throw argumentUnknown(message, undefined, 'name where it is with --client-root or --root');
  }
  if (kind !== 'podman' && kind !== 'podman-rootless') return;
  if ([store, join(published, relative(path, store))].some((place) => existsSync(place))) return;
  const hint = 'the first image published for the platform creates it, unless skip-podman is set';
  throw argumentUnknown(`${repository} has no podman store ${store}`, undefined, hint);
}

async function clientView(configuration: Configuration, repository: string): Promise<ClientView> {
  const path = join(configuration.clientRoot, repository);
  const platform = onlyPlatform(configuration.platforms);
  const found = await firstPublicName(publishedView(createBackend(configuration), repository), platform);
  return {
    repository,
    path,
    store: join(path, storeRoot(platformName(platform, 'image'))),
    image: found ?? platformName(platform, 'REGISTRY/REPOSITORY:TAG'),
  };
}

/** A podman store knows images by name alone: it cannot hold several platforms of one. */
function onlyPlatform(platforms: readonly Platform[] | undefined): Platform {
  const [first = LINUX_AMD64, ...others] = platforms ?? [];
  if (others.length === 0) return first;
  const message = `a client is of one platform, and ${others.length + 1} are named`;
  throw new Failure('configuration-invalid', message, { hint: 'name one with --platforms' });
}
