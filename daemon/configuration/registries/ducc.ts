import type { Credentials } from '../../../publisher/registry/options.ts';
import type { Endpoint } from '../../../publisher/registry/endpoint.ts';
import { printable, quoted } from '../../../core/text.ts';
import { withoutSecrets } from '../../../core/secrets.ts';
import type { Environment } from '../options.ts';
import { hideLogin } from '../secrets.ts';
import { commonName, parseEndpoint, endpoint, registryHost } from './endpoint.ts';

/** Settings of one registry in DUCC's variables. */
export interface DuccRegistry {
  readonly credentials: Credentials | undefined;
  readonly proxy: Endpoint | undefined;
}

const LIST = 'DUCC_AUTH_REGISTRIES';

/**
 * The registries of DUCC's variables by their {@link commonName}; what is wrong goes to `problems`. DUCC applies a
 * registry to every address that holds its `IDENT` somewhere; here it is that host alone.
 *
 * @see ducc/lib/image.go of cvmfs, for the variables and which of them are needed
 */
export function readDuccRegistries(
  environment: Environment,
  problems: string[],
): ReadonlyMap<string, DuccRegistry> {
  const registries = new Map<string, DuccRegistry>();
  const origins = new Map<string, string>();
  const names = (environment[LIST] ?? '').split(',').map((name) => name.trim());
  for (const name of new Set(names.filter((listed) => listed !== ''))) {
    const host = hostOf(name, environment, problems);
    const registry = registryOf(name, environment, problems);
    if (host === undefined) continue;
    const variable = printable(variableOf(name, 'IDENT'));
    const earlier = origins.get(host);
    if (earlier === undefined) {
      registries.set(host, registry);
      origins.set(host, variable);
    } else problems.push(`${variable}: ${host} is already the registry of ${earlier}; keep one of them`);
  }
  return registries;
}

function hostOf(name: string, environment: Environment, problems: string[]): string | undefined {
  const variable = variableOf(name, 'IDENT');
  const text = environment[variable] ?? '';
  if (text === '') {
    problems.push(
      `${printable(variable)} is not set, and ${LIST} names ${printable(name)}; set it to a registry's host`,
    );
    return undefined;
  }
  const [, written = ''] = /^(?:[a-z]+:\/\/)?([^/]*)/i.exec(text) ?? [];
  const host = registryHost(written);
  if (host !== undefined) return commonName(host);
  problems.push(
    `${printable(variable)}: ${quoted(withoutSecrets(text))} is not a valid registry host such as quay.io`,
  );
  return undefined;
}

function registryOf(name: string, environment: Environment, problems: string[]): DuccRegistry {
  const read = (key: VariableKey): string => environment[variableOf(name, key)] ?? '';
  const [user, password, proxy] = [read('USER'), read('PASS'), read('PROXY')];
  hideLogin(user, password);
  const credentials =
    user === '' || password === '' ? undefined : { user, password, origin: variableOf(name, 'USER') };
  if (credentials === undefined && proxy === '') {
    const missing = user === '' ? variableOf(name, 'USER') : variableOf(name, 'PASS');
    problems.push(
      `${printable(missing)} is not set; set it (user and password are needed) or ${printable(variableOf(name, 'PROXY'))}`,
    );
  }
  return { credentials, proxy: proxy === '' ? undefined : proxyOf(name, proxy, problems) };
}

function proxyOf(name: string, text: string, problems: string[]): Endpoint | undefined {
  const proxy = parseEndpoint(text);
  if (proxy === undefined) {
    const variable = printable(variableOf(name, 'PROXY'));
    problems.push(
      `${variable}: ${quoted(withoutSecrets(text))} cannot be used, expected ${endpoint.expected}`,
    );
  }
  return proxy;
}

type VariableKey = 'IDENT' | 'USER' | 'PASS' | 'PROXY';

function variableOf(name: string, key: VariableKey): string {
  return `DUCC_${name}_${key}`;
}
