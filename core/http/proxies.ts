import { BlockList, isIP } from 'node:net';
import { Failure } from '../failure.ts';

/** Proxies by the scheme of the requested URL. */
export interface Proxies {
  /** With user and password, where it wants them; its scheme is http or https. */
  readonly https?: URL | undefined;
  readonly http?: URL | undefined;
  /**
   * What is asked directly: host names (with all below them), addresses, networks such as `10.0.0.0/8`, each with a
   * port where only that is meant, separated by commas or spaces; `*` for everything.
   */
  readonly none?: string | undefined;
}

/**
 * The proxy that a request to `url` goes through; `undefined` for none. This machine itself is always asked directly,
 * as by Docker and Podman.
 */
export function proxyFor(url: URL, { https, http, none }: Proxies): URL | undefined {
  return isExcepted(url, none) ? undefined : url.protocol === 'https:' ? https : http;
}

/** Returns true where `url` is asked directly, whatever proxies there are: by `none`, or since it is on this machine. */
function isExcepted(url: URL, none = ''): boolean {
  const host = withoutBrackets(url.hostname).replace(/\.$/, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return isLoopback(host) || entriesOf(none).some((entry) => covers(entry, host, port));
}

/** Returns true where `none` exempts all addresses. */
function isEverything(none: string): boolean {
  return entriesOf(none).includes('*');
}

function entriesOf(none: string): string[] {
  return none.toLowerCase().split(/[,\s]+/);
}

/** Value of `Proxy-Authorization` for the user and password in a proxy's address. @see RFC 7617 */
export function proxyAuthorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

function isLoopback(host: string): boolean {
  return ['localhost', '127.0.0.0/8', '::1'].some((name) => covers(name, host, 0));
}

function covers(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const { name, onlyPort } = split(entry);
  if (name === '' || (onlyPort !== undefined && onlyPort !== port)) return false;
  if (isIP(host) !== 0) return coversAddress(name, host);
  return host === name || host.endsWith(`.${name}`);
}

/** `.example.org` and `*.example.org` mean the same as `example.org`. An address of version 6 has colons itself. */
function split(entry: string): { name: string; onlyPort: number | undefined } {
  const [, name = entry, port] = isIP(entry) === 0 ? (/^(.+):(\d{1,5})$/.exec(entry) ?? []) : [];
  return {
    name: withoutBrackets(name)
      .replace(/^\*?\./, '')
      .replace(/\.$/, ''),
    onlyPort: port === undefined ? undefined : Number(port),
  };
}

function coversAddress(name: string, address: string): boolean {
  const list = new BlockList();
  const [network = '', bits] = name.split('/');
  const base = withoutBrackets(network);
  const version = isIP(base);
  if (version === 0) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  const most = version === 6 ? 128 : 32;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)) return false;
  list.addSubnet(base, bits === undefined ? most : Number(bits), family);
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in lower case too, which goes before.
 *
 * @throws Failure `configuration-invalid` for what is not a valid address of a proxy; it is not shown, since it may hold a
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
  throw new Failure(
    'configuration-invalid',
    `the environment variable ${name} is not a valid address of a proxy`,
    {
      hint: 'write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with %40 for an @ in the password and so on',
    },
  );
}

/** Paths mean nothing for a proxy; there is one where the password has a slash that is not escaped. */
function isProxy({ protocol, hostname, pathname, search, hash, username, password }: URL): boolean {
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  if (hostname === '' || pathname !== '/' || search !== '' || hash !== '') return false;
  return [username, password].every((part) => !/%(?![0-9a-f]{2})/i.test(part) && isText(part));
}

/** Returns true where the escaped bytes are UTF-8. */
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

/** A proxy cannot be reached or refuses; it never says with which user. */
export class ProxyError extends Error {
  /** With its port, where it has one. */
  readonly host: string;
  /** Status of its answer; `undefined` where the connection to it failed. */
  readonly status: number | undefined;

  constructor(host: string, { status, cause }: { status?: number; cause?: unknown }) {
    super(`the proxy ${host} does not connect`, { cause });
    this.host = host;
    this.status = status;
  }
}
