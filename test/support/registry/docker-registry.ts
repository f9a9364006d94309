import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../programs.ts';
import { temporaryDirectory } from '../setup.ts';

/** A running registry. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT`, plain HTTP. */
  readonly host: string;
  close(): Promise<void>;
}

const START_LIMIT_MS = 15_000;
const LISTENING = /listening on (127\.0\.0\.1:\d+)/;

/** Starts Debian's `docker-registry` with an empty storage of its own, and waits until it answers. */
export async function startDockerRegistry(): Promise<DockerRegistry> {
  const directory = await temporaryDirectory('registry');
  const configuration = join(directory, 'config.json');
  // YAML, of which JSON is a part. The system chooses the port; the log says which.
  await writeFile(
    configuration,
    JSON.stringify({
      version: '0.1',
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: join(directory, 'storage') }, delete: { enabled: true } },
      http: { addr: '127.0.0.1:0' },
    }),
  );
  const program = findProgram('docker-registry');
  if (program === undefined) throw new Error('docker-registry is not installed');
  const server = spawn(program, ['serve', configuration], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const host = await within(START_LIMIT_MS, hostOf(server));
    const answer = await fetch(`http://${host}/v2/`, { signal: AbortSignal.timeout(START_LIMIT_MS) });
    if (answer.status !== 200) throw new Error(`docker-registry answers ${answer.status}`);
    await answer.arrayBuffer();
    return { host, close: async () => await stop(server) };
  } catch (error) {
    await stop(server);
    throw error;
  }
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
