import type { Result } from './whole-run.ts';

/** What all runs so far were, for people. */
export class Summary {
  /** Runs in which something was wrong. */
  findings = 0;
  #runs = 0;
  #guests = 0;
  #published = 0;
  #peakBytes = 0;
  #silenceMs = 0;
  readonly #kinds = new Map<string, number>();
  readonly #codes = new Map<string, number>();

  add({ scenario, guests, seen, violations }: Result): void {
    this.#runs++;
    this.#guests += guests.length;
    this.#published += seen.stdout.match(/^published /gm)?.length ?? 0;
    this.#peakBytes = Math.max(this.#peakBytes, seen.peakBytes);
    this.#silenceMs = Math.max(this.#silenceMs, seen.silenceMs);
    if (violations.length > 0) this.findings++;
    const { command, backend, again } = scenario;
    count(this.#kinds, `${command} on ${backend}${again ? ' in both orders' : ''}`);
    count(this.#kinds, `exit status ${seen.status}`);
    for (const [, code = ''] of seen.stderr.matchAll(/\berror\[([a-z-]+)\]/g)) count(this.#codes, code);
  }

  get line(): string {
    const [peak, silence] = [Math.round(this.#peakBytes / 1e6), (this.#silenceMs / 1000).toFixed(1)];
    return `${this.#runs} runs, ${this.#guests} guests, at most ${peak} MB and ${silence} s of silence, ${this.findings} findings`;
  }

  get text(): string {
    return [
      this.line,
      `${this.#published} images published by convert`,
      listed('runs', this.#kinds),
      listed('failures', this.#codes),
    ].join('\n');
  }
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function listed(title: string, counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].toSorted(([, one], [, other]) => other - one);
  return `${title}: ${sorted.map(([what, times]) => `${times} ${what}`).join(', ')}`;
}
