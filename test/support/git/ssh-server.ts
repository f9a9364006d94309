import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from '../loopback.ts';
import { findProgram } from '../programs.ts';
import { temporaryDirectory } from '../setup.ts';

const command = promisify(execFile);

/** A private sshd on loopback that lets in whoever has its one key, as the user of the tests. */
export class SshServer {
  readonly port: number;
  /** Path of the private key that it accepts. */
  readonly key: string;
  /** Path of a file with its host key. */
  readonly knownHosts: string;
  readonly #folder: string;
  #server: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
    this.key = join(folder, 'deploy-key');
    this.knownHosts = join(folder, 'known_hosts');
  }

  /** @see sshd_config(5) */
  static async start(): Promise<SshServer> {
    // sshd wants it when it is root, and Debian's service makes it.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    const server = new SshServer(await temporaryDirectory('sshd'), await freePort());
    await makeKey(server.key);
    await copyFile(`${server.key}.pub`, join(server.#folder, 'authorized_keys'));
    await server.changeHostKey();
    await server.open();
    return server;
  }

  urlOf(path: string): string {
    return `ssh://${userInfo().username}@127.0.0.1:${this.port}${path}`;
  }

  /** A new key, with which it starts the next time; `knownHosts` says so. */
  async changeHostKey(): Promise<void> {
    const key = join(this.#folder, `host-key-${Date.now()}`);
    await makeKey(key);
    const [type, text] = (await readFile(`${key}.pub`, 'utf8')).split(' ');
    await writeFile(this.knownHosts, `[127.0.0.1]:${this.port} ${type} ${text}\n`);
    await writeFile(
      join(this.#folder, 'sshd_config'),
      [
        `ListenAddress 127.0.0.1:${this.port}`,
        `HostKey ${key}`,
        `AuthorizedKeysFile ${join(this.#folder, 'authorized_keys')}`,
        'PidFile none',
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
        '',
      ].join('\n'),
    );
  }

  async open(): Promise<void> {
    const program = findProgram('sshd');
    if (program === undefined) throw new Error('sshd is not installed');
    const server = spawn(program, ['-D', '-e', '-f', join(this.#folder, 'sshd_config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      let last = '';
      const lines = createInterface({ input: server.stderr });
      server.once('error', reject);
      lines.on('line', (line) => {
        last = line;
        if (line.startsWith('Server listening on')) resolve();
      });
      lines.once('close', () => reject(new Error(`sshd ended: ${last}`)));
    });
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }
}

async function makeKey(path: string): Promise<void> {
  await command('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a test', '-f', path]);
}
