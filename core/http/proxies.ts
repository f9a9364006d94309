import { BlockList, isIP } from 'node:net';

/** Where requests go through, by the scheme of what they ask for. */
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

/** Whether `url` is asked directly, whatever proxies there are: by `none`, or since it is of this machine. */
export function isExcepted(url: URL, none = ''): boolean {
  const host = withoutBrackets(url.hostname).replace(/\.$/, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return isLoopback(host) || entriesOf(none).some((entry) => covers(entry, host, port));
}

/** Whether `none` leaves no address to a proxy. */
export function isEverything(none: string): boolean {
  return entriesOf(none).includes('*');
}

function entriesOf(none: string): string[] {
  return none.toLowerCase().split(/[,\s]+/);
}

/** What a proxy is given with the user and password in its address. @see RFC 7617 */
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
