import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** How a script ended, and what it printed. */
export interface Printed {
  readonly status: number;
  readonly text: string;
  readonly stderr: string;
}

const END = 'end of script:';

/** One shell to which scripts are given, so that what one of them starts or mounts is there for the next. */
export class Session {
  readonly #shell: ChildProcess;
  readonly #lines: Interface;
  #stderr = '';

  /** @param words a command that runs the words which follow it: `sh`, that reads from its input */
  constructor([program = '', ...words]: readonly string[]) {
    const shell = spawn(program, [...words, 'sh'], { stdio: 'pipe' });
    shell.stderr.setEncoding('utf8').on('data', (piece: string) => (this.#stderr += piece));
    this.#shell = shell;
    this.#lines = createInterface({ input: shell.stdout });
  }

  /** @throws Error where the shell ends before the script does */
  async run(script: string): Promise<Printed> {
    const found: string[] = [];
    this.#stderr = '';
    const ended = new Promise<number>((resolve, reject) => {
      this.#lines.on('line', (line) => {
        if (line.startsWith(END)) resolve(Number(line.slice(END.length)));
        else found.push(line);
      });
      this.#lines.on('close', () => reject(new Error(`the shell ended: ${this.#stderr}`)));
    });
    // What a script prints last may lack the end of its line.
    this.#shell.stdin?.write(`(\n${script}\n) </dev/null; printf '\\n${END}%s\\n' $?\n`);
    try {
      return { status: await ended, text: found.join('\n').trim(), stderr: this.#stderr };
    } finally {
      this.#lines.removeAllListeners('line').removeAllListeners('close');
    }
  }

  /** What the script prints where it ends well. @throws Error where it does not */
  async output(script: string): Promise<string> {
    const { status, text, stderr } = await this.run(script);
    if (status !== 0) throw new Error(`${script} failed (${status}): ${text}\n${stderr}`);
    return text;
  }

  /** Ends the shell, and all that was started in it. */
  async close(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    const closed = once(this.#shell, 'close');
    this.#shell.kill('SIGKILL');
    await closed;
  }
}
