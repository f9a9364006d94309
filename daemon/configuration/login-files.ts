import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './configuration-sources.ts';
import type { Environment } from './options.ts';

/**
 * The files in which log-ins at registries are kept, in the order in which they count: the one that `named` says, else what
 * podman and docker read, as far as it exists.
 *
 * @see containers-auth.json(5), "DESCRIPTION"; podman-login(1) for `REGISTRY_AUTH_FILE`
 * @see https://docs.docker.com/reference/cli/docker/ "Environment variables"
 */
export function loginFilesOf(named: unknown, machine: Machine, environment: Environment): readonly string[] {
  if (typeof named === 'string') return [named];
  const only = environment['REGISTRY_AUTH_FILE'] ?? '';
  const files = only === '' ? usualFiles(machine, environment) : [only];
  return files.filter((file) => existsSync(file));
}

function usualFiles({ home, userId }: Machine, environment: Environment): string[] {
  const folder = (name: string, usual: string): string => environment[name] || usual;
  const session = environment['XDG_RUNTIME_DIR'] ?? '';
  return [
    // podman's, in the directory of the session or, where there is none, in one of its own
    ...(session === '' && userId !== undefined ? [`/run/containers/${userId}/auth.json`] : []),
    ...(session === '' ? [] : [join(session, 'containers/auth.json')]),
    join(folder('XDG_CONFIG_HOME', join(home, '.config')), 'containers/auth.json'),
    join(folder('DOCKER_CONFIG', join(home, '.docker')), 'config.json'),
  ];
}
