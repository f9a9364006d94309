import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Credentials } from '../../../publisher/registry/options.ts';
import { temporaryDirectory } from '../setup.ts';
import type { HtpasswdAuth } from './docker-registry.ts';

/** One user of a registry with Basic authentication, and the registry's half of it. */
export interface BasicUser {
  readonly credentials: Credentials;
  readonly auth: HtpasswdAuth;
}

/** The cheapest that bcrypt has: these passwords guard nothing. */
const BCRYPT_COST = '4';

/** Makes a user with a password of its own each time. Needs Debian's `htpasswd` (apache2-utils). */
export async function makeBasicUser(): Promise<BasicUser> {
  const path = join(await temporaryDirectory('htpasswd'), 'htpasswd');
  const credentials = { user: 'reader', password: `pässword-${randomUUID()}`, origin: 'a test' };
  const running = promisify(execFile)('htpasswd', [
    '-c',
    '-i',
    '-B',
    '-C',
    BCRYPT_COST,
    path,
    credentials.user,
  ]);
  running.child.stdin?.end(credentials.password);
  await running;
  return { credentials, auth: { htpasswd: { realm: 'a test', path } } };
}
