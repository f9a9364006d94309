import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Listens, and then never looks at a connection again: its queue holds two. */
const LISTENER = `
  const [host, port] = process.argv.slice(1);
  require('node:net').createServer().listen({ host, port: Number(port), backlog: 1 }, () => {
    require('node:fs').writeSync(1, 'ready');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
const QUEUE = 2;

/** An address of the loopback at which connections are neither accepted nor refused. */
export class BlackHole {
  readonly #listener: ChildProcess;
  readonly #queue: readonly Socket[];

  private constructor(listener: ChildProcess, queue: readonly Socket[]) {
    this.#listener = listener;
    this.#queue = queue;
  }

  static async open(host: string, port: number): Promise<BlackHole> {
    const listener = spawn(process.execPath, ['-e', LISTENER, host, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(listener.stdout, 'data');
    const queue = Array.from({ length: QUEUE }, () => connect(port, host));
    await Promise.all(queue.map(async (socket) => await once(socket, 'connect')));
    return new BlackHole(listener, queue);
  }

  async close(): Promise<void> {
    const ended = once(this.#listener, 'exit');
    for (const socket of this.#queue) socket.on('error', () => undefined).destroy();
    this.#listener.kill('SIGKILL');
    await ended;
  }
}
