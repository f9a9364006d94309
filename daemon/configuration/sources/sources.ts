import { join } from 'node:path';
import { withHint, type Failure } from '../../../core/failure.ts';
import { isLoopback } from '../../../core/oci/registry-host.ts';
import { localTime } from '../../../core/text.ts';
import { isPublishedInto } from '../../../publisher/repository/directory/journal.ts';
import type { Confinement } from '../../../wishlist/recipe/recipe.ts';
import { readSources, type SourcesOptions } from '../../../wishlist/sources/read-sources.ts';
import type { SourceState, WishlistSource } from '../../../wishlist/sources/source.ts';
import { configurationInvalid } from '../problems.ts';
import type { Configuration, Environment } from '../options.ts';
import type { SourceEntry } from './kind.ts';
import { kindOfSource } from './kinds.ts';

interface SourcesRequest extends Pick<SourcesOptions, 'rests'> {
  readonly configuration: Configuration;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

/**
 * Asks the configured sources for their wishes, except those that `rests` leaves alone.
 *
 * @throws Failure `configuration-invalid` if there are none, or if files or variables that they name cannot be used; `state-unusable`,
 *   `disk-full`, `interrupted`
 */
export async function readConfiguredSources({
  configuration,
  environment,
  signal,
  rests,
}: SourcesRequest): Promise<SourceState[]> {
  return await readSources(await openSources(configuration, environment), {
    directory: join(configuration.state, 'sources'),
    confinements: new Map(
      configuration.sources.map((entry) => [entry.name, confinementOf(entry, configuration)]),
    ),
    sizeLimitBytes: configuration.sourceSizeLimitBytes,
    wishLimit: configuration.wishLimit,
    environment,
    signal,
    rests,
  });
}

async function openSources(
  { sources, configFile }: Configuration,
  environment: Environment,
): Promise<WishlistSource[]> {
  if (sources.length === 0) {
    throw configurationInvalid(
      ['no sources of wishlists are configured'],
      'list them under the key sources of the configuration file, or name a recipe',
    );
  }
  const problems: string[] = [];
  const opened = await resolveSources({ sources, configFile }, environment, problems);
  if (problems.length > 0) {
    throw configurationInvalid(problems, 'docs/operators.md, "Sources", explains the keys');
  }
  return opened;
}

/** Reads the secrets of all sources; problems go to `problems`. */
export async function resolveSources(
  { sources, configFile }: Pick<Configuration, 'sources' | 'configFile'>,
  environment: Environment,
  problems: string[],
): Promise<WishlistSource[]> {
  const opened: WishlistSource[] = [];
  const opening = { file: configFile ?? '', environment, problems };
  for (const entry of sources) opened.push(await kindOfSource(entry).open(entry, opening));
  return opened;
}

/**
 * Limits on the wishes of a source. What comes from elsewhere is a stranger's, who neither makes a directory tree nor has
 * a registry asked over plain HTTP unless the operator says so.
 */
function confinementOf(
  entry: SourceEntry,
  configuration: Pick<Configuration, 'repositories' | 'registries' | 'backend' | 'root'>,
): Confinement {
  const { isOperators } = kindOfSource(entry);
  const { backend, root, registries } = configuration;
  const { repositories = configuration.repositories } = entry;
  const plain = new Set(registries.flatMap(({ host, allowHttp }) => (allowHttp === true ? [host] : [])));
  return {
    allowsRepository: (name) => {
      if (repositories !== undefined) return repositories.includes(name);
      return isOperators || backend === 'cvmfs' || isPublishedInto(root, name);
    },
    registries: entry.registries,
    subdirectory: entry.subdirectory,
    allowsHttp: (registry) => (entry.allowHttp ?? isOperators) || isLoopback(registry) || plain.has(registry),
    limit: entry.limit,
  };
}

/** Describes a source that fails while its last good content is in force. */
export function staleText(failure: Failure, failingSince: string | undefined): string {
  return `${withHint(failure)} [${failure.code}]; it fails since ${localTime(failingSince ?? '')}, and its last good content stays in force`;
}
