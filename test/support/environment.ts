import { isMainThread } from 'node:worker_threads';

/** Variables that reach tests: what programs need, what mocha and c8 set, and what a developer says to tests. */
const KEPT =
  /^(?:PATH|TMPDIR|MOCHA_.*|NODE_V8_COVERAGE|NEWER_DEBIAN|TEST_.*|UNPACKD_(?:TEST_SEED|CVMFS_REPOSITORY))$/;

/** No configuration file: an installed unpackd has one where it is looked for otherwise. */
const NO_CONFIGURATION = '/dev/null';

/**
 * Gives this process, and with it all programs that tests start, an environment that is the same on every machine: nobody's
 * settings, log-ins, proxies, language or time zone. `home` is an empty directory.
 */
export function useOwnEnvironment(home: string): void {
  for (const name of Object.keys(process.env)) {
    if (!KEPT.test(name)) delete process.env[name];
  }
  Object.assign(process.env, {
    HOME: home,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    UNPACKD_CONFIG: NO_CONFIGURATION,
  });
  // A thread has that of its process.
  if (isMainThread) process.umask(0o022);
}
