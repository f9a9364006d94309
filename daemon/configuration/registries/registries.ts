import { readFile } from 'node:fs/promises';
import type { Credentials, RegistryOptions } from '../../../publisher/registry/options.ts';
import { DIRECT, type RegistryRoute } from '../../../publisher/registry/endpoint.ts';
import type { ServerSettings } from '../../../core/http/options.ts';
import { readProxies } from '../../../core/http/proxies.ts';
import { codeOf } from '../../../core/system-error.ts';
import { configurationInvalid } from '../problems.ts';
import type { Configuration, Environment, OptionKey } from '../options.ts';
import { readAuthorities, readClientCertificate } from './certificates.ts';
import { readDockerConfig, type DockerConfig } from './docker-config.ts';
import { readDuccRegistries, type DuccRegistry } from './ducc.ts';
import type { RegistryEntry } from './entries.ts';
import { askHelper, type HelperCall, TtlCache } from './helper.ts';
import { commonName } from './endpoint.ts';
import { resolveLogin } from '../secret-reference.ts';

/** Settings of registries for a registry client. */
export type Registries = Pick<RegistryOptions, 'credentials' | 'routes' | 'servers'>;

export interface RegistriesContext {
  readonly configuration: Pick<Configuration, 'registries' | 'loginFiles' | 'caCertificates'>;
  readonly environment: Environment;
  readonly signal?: AbortSignal | undefined;
}

const HELPER_TIME_LIMIT_MS = 30_000;
/** Short, because tokens of helpers expire, but not very, because helpers are slow. */
const ANSWER_LIFETIME_MS = 5 * 60_000;
/** A broken helper must not delay every image of a run. */
const FAILURE_LIFETIME_MS = 30_000;

/**
 * Opens credentials, routes and settings of all registries. Precedence: the configuration file, DUCC's variables, the
 * files of "docker login" and "podman login". Files and variables are read now, credential helpers are asked when a
 * registry wants credentials.
 *
 * @throws Failure `configuration-invalid` with all problems, each with its position
 */
export async function openRegistries({
  configuration,
  environment,
  signal,
}: RegistriesContext): Promise<Registries> {
  const problems: string[] = [];
  const { own, ducc, logins, common } = await readRegistries({ configuration, environment }, problems);
  if (problems.length > 0) {
    throw configurationInvalid(problems, 'docs/operators.md, "Registries", explains the keys');
  }

  const answers = new TtlCache<Credentials | undefined>({
    valueMs: ANSWER_LIFETIME_MS,
    failureMs: FAILURE_LIFETIME_MS,
  });
  const limits = { environment, timeLimitMs: HELPER_TIME_LIMIT_MS, signal };
  return { credentials, routes, servers };

  async function credentials(registryHost: string, repository: string): Promise<Credentials | undefined> {
    const host = commonName(registryHost);
    const known = own.get(registryHost)?.credentials ?? ducc.get(host)?.credentials;
    if (known !== undefined) return known;
    for (const { helperFor, loginFor } of logins) {
      const found = (await ask(helperFor(host))) ?? loginFor(host, repository);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async function ask(call: HelperCall | undefined): Promise<Credentials | undefined> {
    if (call === undefined) return undefined;
    const key = `${call.name} ${call.server}`;
    return await answers.getOrFetch(key, async () => await askHelper(call, limits));
  }

  function routes(registryHost: string): RegistryRoute {
    const route = own.get(registryHost)?.route ?? DIRECT;
    return { ...route, proxy: route.proxy ?? ducc.get(commonName(registryHost))?.proxy };
  }

  function servers(host: string): ServerSettings {
    const { concurrency, allowHttp, authorities, clientCertificate } = own.get(host)?.server ?? {};
    const all = [common, authorities].filter((pem) => pem !== undefined).join('');
    return { concurrency, allowHttp, authorities: all === '' ? undefined : all, clientCertificate };
  }
}

/** The content of everything that is named for registries. */
interface RegistriesContent {
  readonly own: ReadonlyMap<string, OwnSettings>;
  readonly ducc: ReadonlyMap<string, DuccRegistry>;
  /** In order of precedence. */
  readonly logins: readonly DockerConfig[];
  /** Authorities for all registries, as PEM. */
  readonly common: string | undefined;
}

/**
 * Reads all files and variables that are named for registries. Problems go to `problems`, with the positions of options
 * that `placeOf` knows.
 */
export async function readRegistries(
  { configuration, environment }: Omit<RegistriesContext, 'signal'>,
  problems: string[],
  placeOf: (key: OptionKey) => string | undefined = () => undefined,
): Promise<RegistriesContent> {
  const { loginFiles, caCertificates } = configuration;
  const own = new Map<string, OwnSettings>();
  for (const entry of configuration.registries) {
    own.set(entry.host, await resolveEntry(entry, environment, problems));
  }
  const origin = placeOf('ca-certificates') ?? 'ca-certificates';
  const file = caCertificates === undefined ? undefined : { origin, value: caCertificates };
  const place = placeOf('docker-config');
  const logins: DockerConfig[] = [];
  for (const path of loginFiles) {
    const found: string[] = [];
    logins.push(await readDockerConfig(path, found));
    for (const problem of found) problems.push(place === undefined ? problem : `${place}: ${problem}`);
  }
  return {
    own,
    ducc: readDuccRegistries(environment, problems),
    logins,
    common: await readAuthorities(file, problems),
  };
}

/** Settings of one registry in the configuration file, with the content of what they name. */
interface OwnSettings {
  readonly credentials: Credentials | undefined;
  readonly route: RegistryRoute;
  readonly server: ServerSettings;
}

async function resolveEntry(
  entry: RegistryEntry,
  environment: Environment,
  problems: string[],
): Promise<OwnSettings> {
  const { proxy, mirrors, concurrency, allowHttp } = entry;
  return {
    credentials: await resolveLogin(entry, environment, problems),
    route: { proxy, mirrors },
    server: {
      concurrency,
      allowHttp,
      authorities: await readAuthorities(entry.authorities, problems),
      clientCertificate: await readClientCertificate(entry.clientCertificate, problems),
    },
  };
}

/**
 * Reads the proxy variables, and the file that `NODE_EXTRA_CA_CERTS` names.
 *
 * @throws Failure `configuration-invalid` like {@link readProxies}
 */
export async function readNetwork(
  environment: Environment,
): Promise<Pick<RegistryOptions, 'proxies' | 'systemAuthorities'>> {
  return {
    proxies: readProxies(environment),
    systemAuthorities: await readExtraAuthorities(environment['NODE_EXTRA_CA_CERTS']),
  };
}

/** Ignores a file that cannot be read: Node has warned of it already. */
async function readExtraAuthorities(file: string | undefined): Promise<string | undefined> {
  if (file === undefined || file === '') return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) !== undefined) return undefined;
    throw error;
  }
}
