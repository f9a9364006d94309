import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { wakeDaemon } from '../../../daemon/service/control.ts';
import type { Gauge, Measurement } from '../measure.ts';
import type { BenchBackend } from '../scenario.ts';
import type { Contender, Place } from './contender.ts';
import { noReleaseManager } from './cvmfs-repository.ts';
import { openTarget, unpackd, writeRecipe, type Target } from './unpackd.ts';

/** Never while it is measured. */
const YEARLY = '0 0 1 1 *';

/** A daemon that is woken, from there to its word that the images are published. */
export function daemonContender(backend: BenchBackend): Contender {
  return {
    name: 'unpackd daemon',
    backend,
    missing: () => (backend === 'cvmfs' ? noReleaseManager() : undefined),
    open: async ({ bench: { gauge }, profile }, work) =>
      new RunningDaemon(work, await openTarget(backend, work), { gauge, profile }),
  };
}

class RunningDaemon implements Place {
  readonly #gauge: Gauge;
  readonly #profile: string | undefined;
  readonly #work: string;
  readonly #target: Target;
  readonly #wanted: string[] = [];
  readonly #published = new Set<string>();
  #log = '';
  #daemon: ChildProcess | undefined;
  #heard: () => void = () => undefined;

  constructor(
    work: string,
    target: Target,
    { gauge, profile }: { gauge: Gauge; profile: string | undefined },
  ) {
    this.#work = work;
    this.#target = target;
    this.#gauge = gauge;
    this.#profile = profile;
  }

  async publish(images: readonly string[]): Promise<Measurement | undefined> {
    this.#wanted.push(...images);
    const recipe = writeRecipe(this.#work, this.#target.repository, this.#wanted);
    if (this.#daemon === undefined) {
      this.#daemon = this.#start(recipe);
      await this.#untilPublished();
      return undefined;
    }
    return await this.#gauge.during(this.#daemon.pid ?? 0, async () => {
      const isThere = await wakeDaemon(join(this.#work, 'state'));
      if (!isThere) throw new Error(`the daemon does not answer:\n${this.#log}`);
      await this.#untilPublished();
    });
  }

  async close(): Promise<void> {
    if (this.#daemon?.exitCode === null) {
      const ended = once(this.#daemon, 'exit');
      this.#daemon.kill();
      await ended;
    }
    await this.#target.close();
  }

  #start(recipe: string): ChildProcess {
    const configuration = join(this.#work, 'unpackd.yaml');
    const schedules = `schedule: '${YEARLY}'\ngc-schedule: never\nverify-schedule: never\n`;
    writeFileSync(configuration, `${schedules}sources:\n  - file: ${recipe}\n`);
    const words = ['daemon', '--config', configuration, ...this.#target.options];
    const [program = '', ...rest] = unpackd(words, this.#profile);
    const daemon = spawn(program, rest, {
      env: { ...process.env, ...this.#gauge.environment() },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    createInterface(daemon.stderr).on('line', (line) => this.#hear(line));
    daemon.once('exit', () => this.#heard());
    return daemon;
  }

  #hear(line: string): void {
    this.#log += `${line}\n`;
    const [, image] = /published (\S+:\S+)$/.exec(line) ?? [];
    if (image !== undefined) this.#published.add(image);
    this.#heard();
  }

  /** @throws Error with what the daemon said, where it has ended */
  async #untilPublished(): Promise<void> {
    while (!this.#wanted.every((image) => this.#isPublished(image))) {
      const ended = this.#daemon?.exitCode ?? this.#daemon?.signalCode;
      if (typeof ended === 'number' || typeof ended === 'string')
        throw new Error(`the daemon ended (${ended}):\n${this.#log}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  #isPublished(image: string): boolean {
    return [...this.#published].some((name) => image.endsWith(name));
  }
}
