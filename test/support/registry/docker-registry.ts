import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../loopback.ts';
import { PATIENCE_MS } from '../patience.ts';
import { findProgram } from '../programs.ts';
import { temporaryDirectory } from '../setup.ts';

/** A running registry. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT`, plain HTTP but for a registry with `tls`. */
  readonly host: string;
  close(): Promise<void>;
}

export interface DockerRegistryOptions {
  /**
   * Directory of its contents; a new one where nothing is said. Several registries may share one, so that what was
   * pushed to an open one is read from a closed one.
   */
  readonly storage?: string;
  /** Who may read and write; everybody where nothing is said. */
  readonly auth?: HtpasswdAuth | TokenAuth;
  readonly tls?: ServerTls;
  /** Makes it a pull-through cache of the registry at this address, such as `http://127.0.0.1:5000`. */
  readonly proxyOf?: string;
  /** Of one that is started again; any where nothing is said. */
  readonly port?: number;
}

/** Basic authentication. */
export interface HtpasswdAuth {
  readonly htpasswd: {
    readonly realm: string;
    /** Of a file with bcrypt hashes. */
    readonly path: string;
  };
}

/** Bearer tokens of another server. Its keys are those of the configuration's section `auth.token`. */
export interface TokenAuth {
  readonly token: {
    /** The token server's address. */
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    /** PEM file of the authority that certifies the token server's key. */
    readonly rootcertbundle: string;
  };
}

/** Files in PEM. */
export interface ServerTls {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Clients must show a certificate of this authority. */
  readonly clientAuthorityFile?: string;
}

const LISTENING = /listening on (127\.0\.0\.1:\d+)/;

/**
 * Starts Debian's `docker-registry` and waits until it accepts connections.
 *
 * @see https://distribution.github.io/distribution/about/configuration/
 */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const program = findProgram('docker-registry');
  if (program === undefined) throw new Error('docker-registry is not installed');
  const directory = await temporaryDirectory('registry');
  const file = join(directory, 'config.json');
  const port = options.port ?? (await freePort());
  const storage = options.storage ?? join(directory, 'storage');
  const configuration = configurationOf({ ...options, port }, storage);
  // YAML, of which JSON is a part.
  await writeFile(file, JSON.stringify(configuration));
  const server = spawn(program, ['serve', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const host = await within(PATIENCE_MS, hostOf(server));
    return { host, close: async () => await stop(server) };
  } catch (error) {
    await stop(server);
    throw error;
  }
}

function configurationOf({ auth, tls, proxyOf, port }: DockerRegistryOptions, storage: string): object {
  return {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}`, ...(tls === undefined ? {} : { tls: tlsSection(tls) }) },
    ...(auth === undefined ? {} : { auth }),
    ...(proxyOf === undefined ? {} : { proxy: { remoteurl: proxyOf } }),
  };
}

function tlsSection({ certificateFile, keyFile, clientAuthorityFile }: ServerTls): object {
  return {
    certificate: certificateFile,
    key: keyFile,
    ...(clientAuthorityFile === undefined ? {} : { clientcas: [clientAuthorityFile] }),
  };
}

/** Goes on reading the log afterwards: a full pipe would stop the registry. */
async function hostOf(server: ChildProcess): Promise<string> {
  if (server.stderr === null) throw new Error('docker-registry has no log');
  const lines = createInterface({ input: server.stderr });
  return await new Promise<string>((resolve, reject) => {
    server.once('error', reject);
    let last = '';
    lines.on('line', (line) => {
      last = line;
      const [, host] = LISTENING.exec(line) ?? [];
      if (host !== undefined) resolve(host);
    });
    lines.once('close', () => {
      reject(new Error(`docker-registry ended: ${last}`));
    });
  });
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const limit = new AbortController();
  const late = sleep(limitMs, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`docker-registry did not start within ${limitMs} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    limit.abort();
    late.catch(() => undefined);
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
}
