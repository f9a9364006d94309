import { join } from 'node:path';
import { readSources, type SourcesOptions } from '../../../wishlist/sources/read-sources.ts';
import type { SourceSettings, SourceState, UrlSource } from '../../../wishlist/sources/source.ts';
import { configurationInvalid } from '../invalid.ts';
import type { Configuration, Environment } from '../options.ts';
import { hideLogin } from '../known-secrets.ts';
import { resolveLogin, resolveSecret } from '../registries/resolve-login.ts';
import { confinementOf } from './confinement.ts';
import type { GitEntry, SourceEntry, UrlEntry } from '../source-entry.ts';

/** What reading the configured sources takes. */
interface SourcesRequest extends Pick<SourcesOptions, 'rests'> {
  readonly configuration: Configuration;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

/**
 * Asks all sources of the configuration what they say now, but for those that `rests` leaves alone.
 *
 * @throws Failure `configuration-invalid` where there are none, or what they name cannot be used; `state-unusable`,
 *   `disk-full`, `interrupted`
 */
export async function readConfiguredSources({
  configuration,
  environment,
  signal,
  rests,
}: SourcesRequest): Promise<SourceState[]> {
  const opened = await openSources(configuration, environment);
  const sources = opened.map((source, index): SourceSettings => {
    const entry = configuration.sources[index];
    return entry === undefined
      ? source
      : Object.assign({}, source, { confinement: confinementOf(entry, configuration) });
  });
  return await readSources(sources, {
    directory: join(configuration.state, 'sources'),
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
): Promise<SourceSettings[]> {
  if (sources.length === 0) {
    throw configurationInvalid(
      ['no sources of wishlists are configured'],
      'list them under the key sources of the configuration file, or name a recipe',
    );
  }
  const problems: string[] = [];
  const opened = await resolveSources({ sources, configFile }, environment, problems);
  if (problems.length > 0) {
    throw configurationInvalid(problems, 'docs/operators.md, "Sources", says what belongs where');
  }
  return opened;
}

/** Reads all secrets that the sources name; what is wrong goes to `problems`. */
export async function resolveSources(
  { sources, configFile }: Pick<Configuration, 'sources' | 'configFile'>,
  environment: Environment,
  problems: string[],
): Promise<SourceSettings[]> {
  const opened: SourceSettings[] = [];
  for (const entry of sources) {
    opened.push(await openSource(entry, { file: configFile ?? '', environment, problems }));
  }
  return opened;
}

interface Opening {
  /** The configuration file. */
  readonly file: string;
  readonly environment: Environment;
  readonly problems: string[];
}

async function openSource(entry: SourceEntry, opening: Opening): Promise<SourceSettings> {
  switch (entry.kind) {
    case 'git':
      return await openGit(entry, opening);
    case 'file':
      return { kind: 'file', name: entry.name, path: entry.path.value };
    case 'url':
      return await openUrl(entry, opening);
  }
}

async function openGit(
  { kind, name, address, branch, paths, ...entry }: GitEntry,
  { file, environment, problems }: Opening,
): Promise<SourceSettings> {
  return {
    kind,
    name,
    address: address.value,
    branch,
    paths,
    login: await resolveLogin({ login: entry.login, file }, environment, problems),
    key: entry.key?.value,
    knownHosts: entry.knownHosts?.value,
    authorities: entry.authorities?.value,
  };
}

async function openUrl(
  { kind, name, url, login, authorities }: UrlEntry,
  opening: Opening,
): Promise<SourceSettings> {
  return { kind, name, url, login: await openWebLogin(login, opening), authorities: authorities?.value };
}

async function openWebLogin(
  login: UrlEntry['login'],
  { file, environment, problems }: Opening,
): Promise<UrlSource['login']> {
  if (login === undefined) return undefined;
  const { user, password } = login;
  if (user !== undefined)
    return await resolveLogin({ login: { user, password }, file }, environment, problems);
  const token = await resolveSecret(password, environment, problems);
  if (token === undefined) return undefined;
  hideLogin('', token);
  return { user, password: token };
}
