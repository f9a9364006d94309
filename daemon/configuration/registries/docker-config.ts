import { z } from 'zod';
import type { Credentials } from '../../../publisher/registry/options.ts';
import { quoted } from '../../../core/text.ts';
import { isRepositoryPath } from '../../../core/oci/registry-host.ts';
import { withoutSecrets } from '../../../core/secrets.ts';
import { hideLogin, hideSecret } from '../secrets.ts';
import { isHelperName, TOKEN_USER, type HelperCall } from './helper.ts';
import { commonName, registryHost } from './endpoint.ts';
import { readBytes } from '../read-bytes.ts';

/** What Docker's `config.json` or podman's `auth.json` says of credentials. */
export interface DockerConfig {
  /** The login for `repository` of `host`, a {@link commonName}: what is said of the longest part of its path. */
  readonly loginFor: (host: string, repository: string) => Credentials | undefined;
  /** The helper to ask for `host` before the logins; `undefined` for none. */
  readonly helperFor: (host: string) => HelperCall | undefined;
}

const NOTHING: DockerConfig = { loginFor: () => undefined, helperFor: () => undefined };

const LARGEST_BYTES = 16 * 1024 * 1024;
/** What helpers know Docker Hub by. */
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
 * Reads Docker's configuration, or what "podman login" keeps in the same form; what is wrong goes to `problems`, never with
 * what the file holds.
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
    // The error's own text quotes the file.
    problems.push(`${origin} is no JSON; ${LOG_IN_AGAIN}`);
  }
  return undefined;
}

/** By host, or host and the beginning of repositories' paths. */
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

/** `undefined` where the entry is empty: it says that there is a login in a helper's store. */
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

/** Docker pads the password with NUL at times, and takes that off. */
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

const NO_HELPER = 'this is no name of a credential helper: letters, digits and . _ - alone; correct it';

/** An empty name means that no helper is asked. */
function callOf(name: string, host: string, key: string): HelperCall | undefined {
  if (!isHelperName(name)) return undefined;
  return { name, host, server: host === 'docker.io' ? DOCKER_HUB_SERVER : key };
}

/** What a login may be kept for, from the repository itself to its whole registry. */
function placesOf(host: string, repository: string): string[] {
  const parts = repository.split('/');
  return [...parts.map((_, index) => [host, ...parts.slice(0, parts.length - index)].join('/')), host];
}

/**
 * The keys with what they mean. Where several mean the same, that which is written as Docker does comes first.
 */
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

/** A registry, or a part of one: a namespace or repository. */
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
