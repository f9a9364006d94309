import { z } from 'zod';
import type { Credentials } from '../../../publisher/registry/options.ts';
import { quoted } from '../../../core/text.ts';
import { isRepositoryPath } from '../../../core/oci/registry-host.ts';
import { withoutSecrets } from '../../../core/secrets.ts';
import { hideLogin, hideSecret } from '../secrets.ts';
import { isHelperName, TOKEN_USER, type HelperCall } from './helper.ts';
import { commonName, registryHost } from './endpoint.ts';
import { readBytes } from '../../../core/system/files.ts';

/** The credentials in Docker's `config.json` or podman's `auth.json`. */
export interface DockerConfig {
  /** The login for `repository` of `host`, a {@link commonName}: the longest match of its path. */
  readonly loginFor: (host: string, repository: string) => Credentials | undefined;
  /** The helper to ask before the logins; `undefined` for none. */
  readonly helperFor: (host: string) => HelperCall | undefined;
}

const NOTHING: DockerConfig = { loginFor: () => undefined, helperFor: () => undefined };

const LARGEST_BYTES = 16 * 1024 * 1024;
/** The helpers' name for Docker Hub. */
const DOCKER_HUB_SERVER = 'https://index.docker.io/v1/';

const LOG_IN_AGAIN = 'correct it, or log in again with "docker login" or "podman login"';

const text = z.string().nullish();
const loginSchema = z.object({ auth: text, identitytoken: text, username: text, password: text });
const configSchema = z.object({
  auths: z.record(z.string(), loginSchema.nullable()).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: text,
});

type Login = z.output<typeof loginSchema>;
type Config = z.output<typeof configSchema>;

/**
 * Reads Docker's configuration, or podman's file of the same format. Problems go to `problems`, without the file's
 * content.
 *
 * @see https://docs.docker.com/reference/cli/docker/login/ "Credential stores", "Credential helpers"
 * @see containers-auth.json(5), "FORMAT", for keys with a path
 */
export async function readDockerConfig(file: string, problems: string[]): Promise<DockerConfig> {
  const origin = `the credentials file ${quoted(file)}`;
  const content = await readBytes(file, LARGEST_BYTES);
  if ('problem' in content) {
    problems.push(
      `${origin} ${content.problem}; name the right file with docker-config, or let unpackd read it`,
    );
    return NOTHING;
  }
  const config = parse(content.bytes, origin, problems);
  if (config === undefined) return NOTHING;
  const report = (problem: string): void => {
    problems.push(`${origin}: ${problem}`);
  };
  const logins = loginsOf(config, file, report);
  return {
    loginFor: (host, repository) =>
      placesOf(host, repository)
        .map((place) => logins.get(place))
        .find((login) => login !== undefined),
    helperFor: helpersOf(config, report),
  };
}

function parse(bytes: Buffer, origin: string, problems: string[]): Config | undefined {
  try {
    const result = configSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const place = issue === undefined ? '' : quoted(withoutSecrets(issue.path.join(': ')));
    problems.push(`${origin}: ${place}: ${issue?.message ?? 'not valid'}; ${LOG_IN_AGAIN}`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The error's message quotes the file.
    problems.push(`${origin} is not valid JSON; ${LOG_IN_AGAIN}`);
  }
  return undefined;
}

/** By host, or host and path prefix. */
function loginsOf(
  { auths }: Config,
  file: string,
  report: (problem: string) => void,
): ReadonlyMap<string, Credentials> {
  const logins = new Map<string, Credentials>();
  for (const [key, host] of keysOf(auths ?? {}, placeOf)) {
    const login = auths?.[key];
    if (login === undefined || login === null) continue;
    const found = credentialsOf(login, file);
    if (found === 'broken') {
      report(`auths: ${host}: "auth" is not user:password in base64; ${LOG_IN_AGAIN}`);
    } else if (found !== undefined && !logins.has(host)) logins.set(host, found);
  }
  return logins;
}

/** @returns `undefined` for an empty entry, which refers to a helper */
function credentialsOf(login: Login, origin: string): Credentials | 'broken' | undefined {
  const pair = login.auth
    ? decodeAuth(login.auth)
    : { user: login.username ?? '', password: login.password ?? '' };
  if (pair === undefined) return 'broken';
  hideLogin(pair.user, pair.password);
  if (login.identitytoken) {
    hideSecret(login.identitytoken);
    return {
      user: pair.user || TOKEN_USER,
      password: pair.password,
      identityToken: login.identitytoken,
      origin,
    };
  }
  return pair.user === '' || pair.password === '' ? undefined : { ...pair, origin };
}

/** Strips NULs, with which Docker sometimes pads the password. */
function decodeAuth(auth: string): { user: string; password: string } | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(auth)) return undefined;
  const [, user, password] = /^([^:]+):(.*)$/s.exec(Buffer.from(auth, 'base64').toString('utf8')) ?? [];
  if (user === undefined || password === undefined) return undefined;
  // oxlint-disable-next-line no-control-regex
  return { user, password: password.replace(/^\u0000+|(?<!\u0000)\u0000+$/g, '') };
}

function helpersOf(
  { credHelpers, credsStore }: Config,
  report: (problem: string) => void,
): DockerConfig['helperFor'] {
  const calls = new Map<string, HelperCall | undefined>();
  for (const [key, host] of keysOf(credHelpers ?? {}, hostOf)) {
    const name = credHelpers?.[key] ?? '';
    if (!isHelperName(name) && name !== '') report(`credHelpers: ${host}: ${NO_HELPER}`);
    else if (!calls.has(host)) calls.set(host, callOf(name, host, key));
  }
  const store = credsStore ?? '';
  if (!isHelperName(store) && store !== '') report(`credsStore: ${NO_HELPER}`);
  return (host) => (calls.has(host) ? calls.get(host) : callOf(store, host, host));
}

const NO_HELPER = 'not a valid name of a credential helper: only letters, digits and . _ -; correct it';

/** An empty name means no helper. */
function callOf(name: string, host: string, key: string): HelperCall | undefined {
  if (!isHelperName(name)) return undefined;
  return { name, host, server: host === 'docker.io' ? DOCKER_HUB_SERVER : key };
}

/** Keys of logins for a repository, from its full path to its registry. */
function placesOf(host: string, repository: string): string[] {
  const parts = repository.split('/');
  return [...parts.map((_, index) => [host, ...parts.slice(0, parts.length - index)].join('/')), host];
}

/** Keys with their meanings. Of several with one meaning, the one in Docker's spelling comes first. */
function keysOf(
  keyed: Readonly<Record<string, unknown>>,
  meaningOf: (key: string) => string | undefined,
): (readonly [key: string, meaning: string])[] {
  const keys = Object.keys(keyed).flatMap((key) => {
    const meaning = meaningOf(key);
    return meaning === undefined ? [] : [[key, meaning] as const];
  });
  return keys.sort((a, b) => rank(a) - rank(b));
}

function rank([key, meaning]: readonly [key: string, meaning: string]): number {
  return key === (meaning === 'docker.io' ? DOCKER_HUB_SERVER : meaning) ? 0 : 1;
}

/** A registry, or one of its namespaces or repositories. */
function placeOf(key: string): string | undefined {
  const host = hostOf(key);
  if (host !== undefined) return host;
  const [, registry = '', path = ''] = /^([^/]+)\/(.+)$/.exec(key) ?? [];
  const known = registryHost(registry);
  return known !== undefined && isRepositoryPath(path) ? `${commonName(known)}/${path}` : undefined;
}

function hostOf(key: string): string | undefined {
  const [, written] = /^(?:https?:\/\/)?([^/]*)(?:\/(?:v[12]\/?)?)?$/i.exec(key) ?? [];
  const host = written === undefined ? undefined : registryHost(written);
  return host === undefined ? undefined : commonName(host);
}
