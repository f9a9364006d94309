import { Failure } from '../failure.ts';
import { isEverything, isExcepted, type Proxies } from './proxies.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in lower case too, which goes before.
 *
 * @throws Failure `configuration-invalid` for what is no address of a proxy; it is not shown, since it may hold a
 *   password
 */
export function readProxies(environment: Environment): Proxies {
  return {
    https: proxyOf('HTTPS_PROXY', environment),
    http: proxyOf('HTTP_PROXY', environment),
    none: variableOf('NO_PROXY', environment)?.value,
  };
}

/**
 * The variables that make a program with curl in it, such as git, go the way of {@link readProxies} to `url`. Where a
 * redirect leads elsewhere, curl's own reading of the exceptions counts, which knows no ports, and networks only since
 * 7.86.
 *
 * @see curl(1), "ENVIRONMENT"; git-config(1), `http.proxy`
 * @throws Failure `configuration-invalid` like {@link readProxies}
 */
export function curlVariables(url: URL, environment: Environment): Record<string, string> {
  const { https, http, none = '' } = readProxies(environment);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const exceptions = isExcepted(url, none) ? [none, host].filter((entry) => entry !== '').join(',') : none;
  // Curl knows the asterisk only where it stands alone.
  const noProxy = isEverything(none) ? '*' : exceptions;
  return {
    ...(https && { https_proxy: https.href }),
    ...(http && { http_proxy: http.href }),
    ...(noProxy !== '' && { no_proxy: noProxy }),
  };
}

function proxyOf(upperCase: string, environment: Environment): URL | undefined {
  const variable = variableOf(upperCase, environment);
  if (variable === undefined) return undefined;
  const { name, value } = variable;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && isProxy(url)) return url;
  throw new Failure('configuration-invalid', `the environment variable ${name} is no address of a proxy`, {
    hint: 'write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with %40 for an @ in the password and so on',
  });
}

/** Paths mean nothing for a proxy; there is one where the password has a slash that is not escaped. */
function isProxy({ protocol, hostname, pathname, search, hash, username, password }: URL): boolean {
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  if (hostname === '' || pathname !== '/' || search !== '' || hash !== '') return false;
  return [username, password].every((part) => !/%(?![0-9a-f]{2})/i.test(part) && isText(part));
}

/** Whether the escaped bytes are UTF-8. */
function isText(escaped: string): boolean {
  try {
    decodeURIComponent(escaped);
    return true;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}

/** An empty variable counts as unset. */
function variableOf(
  upperCase: string,
  environment: Environment,
): { readonly name: string; readonly value: string } | undefined {
  const name = [upperCase.toLowerCase(), upperCase].find(
    (one) => environment[one] !== undefined && environment[one]?.trim() !== '',
  );
  return name === undefined ? undefined : { name, value: environment[name]?.trim() ?? '' };
}
