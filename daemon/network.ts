import { readFile } from 'node:fs/promises';
import type { RegistryOptions } from '../publisher/registry/options.ts';
import { codeOf } from '../wishlist/error-code.ts';
import { Failure } from '../wishlist/failure.ts';
import type { Environment } from './options.ts';

/** What variables that are no options of unpackd say about the network. */
export type Network = Pick<RegistryOptions, 'proxies' | 'systemAuthorities'>;

/**
 * Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in lower case too, which goes before, and the file that
 * `NODE_EXTRA_CA_CERTS` names.
 *
 * @throws Failure `configuration-invalid` for what is no address of a proxy; it is not shown, since it may hold a
 *   password
 */
export async function readNetwork(environment: Environment): Promise<Network> {
  return {
    proxies: {
      https: proxyOf('HTTPS_PROXY', environment),
      http: proxyOf('HTTP_PROXY', environment),
      none: variableOf('NO_PROXY', environment)?.value,
    },
    systemAuthorities: await readAuthorities(environment['NODE_EXTRA_CA_CERTS']),
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

/** A file that cannot be read adds nothing: Node itself has warned of it when it started. */
async function readAuthorities(file: string | undefined): Promise<string | undefined> {
  if (file === undefined || file === '') return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) !== undefined) return undefined;
    throw error;
  }
}
