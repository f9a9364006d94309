import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { findProgram } from './programs.ts';

/** Prints what arrives as lines of Base64; with `later` only soon after its input has ended. */
const RECEIVER = `
import base64, socket, sys, time
address = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind('\\0' + address[1:] if address.startswith('@') else address)
print('bound', flush=True)
if sys.argv[2] == 'later':
    sys.stdin.read()
    time.sleep(0.3)
while True:
    print(base64.b64encode(receiver.recv(1 << 20)).decode(), flush=True)
`;

/** A datagram socket somebody else listens on: a process of python3's, since Node has none. */
export class DatagramReceiver {
  readonly #process;
  readonly #messages: Buffer[] = [];
  readonly #lines;

  private constructor(address: string, start: 'now' | 'later') {
    const words = ['-c', RECEIVER, address, start];
    this.#process = spawn(findProgram('python3') ?? 'python3', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#process.stdout);
  }

  /** Listens on a path or on `@NAME`; with `later`, receives nothing before {@link receive}. */
  static async on(address: string, start: 'now' | 'later' = 'now'): Promise<DatagramReceiver> {
    const receiver = new DatagramReceiver(address, start);
    await once(receiver.#lines, 'line');
    receiver.#lines.on('line', (line: string) => receiver.#messages.push(Buffer.from(line, 'base64')));
    return receiver;
  }

  /** Begins to receive within a second. */
  async receive(): Promise<void> {
    this.#process.stdin.end();
    await once(this.#process.stdin, 'close');
  }

  /** The first `count` messages, when all of them are there. */
  async messages(count: number): Promise<Buffer[]> {
    while (this.#messages.length < count) await once(this.#lines, 'line');
    return this.#messages.slice(0, count);
  }

  /** The first `count` messages as text. */
  async texts(count: number): Promise<string[]> {
    return (await this.messages(count)).map(String);
  }

  /** All messages so far as text, when at least `count` of them match `pattern`. */
  async matching(pattern: RegExp, count = 1): Promise<string[]> {
    for (;;) {
      const texts = this.#messages.map(String);
      if (texts.filter((text) => pattern.test(text)).length >= count) return texts;
      await once(this.#lines, 'line');
    }
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }
}
