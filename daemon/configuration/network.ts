import { readFile } from 'node:fs/promises';
import type { RegistryOptions } from '../../publisher/registry/options.ts';
import { codeOf } from '../../core/system-error.ts';
import { readProxies } from '../../core/http/proxies.ts';
import type { Environment } from './options.ts';

/** What variables that are no options of unpackd say about the network. */
export type Network = Pick<RegistryOptions, 'proxies' | 'systemAuthorities'>;

/**
 * Reads the variables for proxies, and the file that `NODE_EXTRA_CA_CERTS` names.
 *
 * @throws Failure `configuration-invalid` like {@link readProxies}
 */
export async function readNetwork(environment: Environment): Promise<Network> {
  return {
    proxies: readProxies(environment),
    systemAuthorities: await readAuthorities(environment['NODE_EXTRA_CA_CERTS']),
  };
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
