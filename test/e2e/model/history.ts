import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { pseudoRandom } from '../../support/e2e/pseudo-random.ts';
import type { ModelImage } from './images.ts';
import { Machine, type Faults } from './machine.ts';
import { Oracle, wrongContents, type Event } from './oracle.ts';
import { HOSTS, ModelRegistries, MODES, NAMES, REPOSITORY } from './registries.ts';
import { danglingNames, look, type Seen } from './seen.ts';
import { readModelSources, type ModelSource } from './sources.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const GRACE_MS = 3 * DAY_MS;
const BEGIN_MS = Date.UTC(2026, 0, 5);
const STEPS = 30;

export interface HistoryOptions {
  readonly seed: number;
  /** An empty folder, for all that it needs. */
  readonly folder: string;
  readonly images: readonly ModelImage[];
  readonly faults?: Faults;
  /** Leaves out the steps with these numbers, to find out which a finding needs. */
  readonly without?: ReadonlySet<number>;
}

/** What a history came to. */
export interface Outcome {
  readonly steps: readonly string[];
  /** What was promised, and not kept. */
  readonly wrong: readonly string[];
  readonly counts: Counts;
}

/** How often things happened before everything became calm: a model in which nothing happens promises nothing. */
export interface Counts {
  deaths: number;
  /** Names that went, other than by hand. */
  removals: number;
  /** Trees that were collected. */
  sweeps: number;
  restorations: number;
  /** Trees that were referred to again after they had been left. */
  returns: number;
}

/** A life of wishlists, registries and one repository that follows from its seed. */
export class History {
  readonly #options: HistoryOptions;
  readonly #random: () => number;
  readonly #registries: ModelRegistries;
  readonly #sources: readonly ModelSource[] = ['one', 'other'].map((name) => ({
    name,
    isUp: true,
    lines: new Set<string>(),
    known: undefined,
  }));
  readonly #machine: Machine;
  readonly #pushed: readonly ModelImage[];
  readonly #oracle: Oracle;
  readonly #steps: string[] = [];
  readonly #wrong: string[] = [];
  /** What the images were whose names went. */
  readonly #removed = new Map<string, string | undefined>();
  #seen: Seen | undefined;
  #nowMs = BEGIN_MS;
  #hasJumped = false;
  readonly #counts: Counts = { deaths: 0, removals: 0, sweeps: 0, restorations: 0, returns: 0 };

  constructor(options: HistoryOptions) {
    const { seed, folder, faults = {} } = options;
    this.#random = pseudoRandom(seed);
    // A podman store keeps layers by itself.
    const hasPodman = this.#random() < 0.6;
    const images = hasPodman ? options.images : options.images.map(withoutPodman);
    this.#options = { ...options, images };
    this.#registries = new ModelRegistries(images);
    const [registries, sources] = [this.#registries, this.#sources];
    const removalLimit = this.#random() < 0.3 ? 2 : 50;
    const keepDays = this.#random() < 0.3 ? 1 : 2;
    // Few images, so that tags move back to some that they had.
    this.#pushed = Array.from({ length: 3 }, () => pick(images, this.#random()));
    this.#oracle = new Oracle({
      registries,
      sources,
      images,
      removalLimit,
      graceMs: GRACE_MS,
      keepMs: keepDays * DAY_MS,
    });
    this.#machine = new Machine({
      folder,
      removalLimit,
      hasPodman,
      graceMs: GRACE_MS,
      faults,
      client: registries.client(),
      nowMs: () => this.#nowMs,
      readWishlists: () => readModelSources(sources, keepDays),
    });
  }

  async run(): Promise<Outcome> {
    try {
      await this.#begin();
      for (let step = 0; step < STEPS && this.#wrong.length === 0; step++) await this.#step(step);
      if (this.#wrong.length === 0) await this.#end();
    } finally {
      await this.#machine.stop();
    }
    return { steps: this.#steps, wrong: this.#wrong, counts: this.#counts };
  }

  async #begin(): Promise<void> {
    for (const name of NAMES) if (this.#random() < 0.7) this.#push(name);
    for (const { lines } of this.#sources)
      for (const line of LINES) if (this.#random() < 0.4) lines.add(line);
    await this.#cycle(undefined);
  }

  async #step(number: number): Promise<void> {
    // Each takes as many numbers, so that one that is left out changes no other.
    const [kind, first, second, third] = [this.#random(), this.#random(), this.#random(), this.#random()];
    if (this.#options.without?.has(number) === true) return;
    const all = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
    let left = kind * all;
    const [chosen] = WEIGHTS.find(([, weight]) => (left -= weight) < 0) ?? WEIGHTS[0];
    this.#steps.push(`${number} ${new Date(this.#nowMs).toISOString()} ${chosen}`);
    await this.#do(chosen, [first, second, third]);
  }

  async #do(kind: Kind, [first, second, third]: readonly [number, number, number]): Promise<void> {
    const name = pick(NAMES, first);
    const dieIn = third < 0.3 ? Math.floor((third / 0.3) ** 2 * 400) : undefined;
    switch (kind) {
      case 'wish': {
        const { lines, name: source } = pick(this.#sources, second);
        const line = pick(LINES, first);
        if (!lines.delete(line)) lines.add(line);
        return this.#tell(`${source}: ${lines.has(line) ? '+' : '-'}${line}`);
      }
      case 'push':
        return this.#push(name, second);
      case 'delete tag': {
        const [host, tag] = [hostOf(name), tagOf(name)];
        this.#registries.of(host).tags.delete(tag);
        return this.#tell(name);
      }
      case 'registry': {
        const host = pick(HOSTS, first);
        this.#registries.of(host).mode = second < 0.4 ? 'up' : pick(MODES, third);
        return this.#tell(`${host} is ${this.#registries.of(host).mode}`);
      }
      case 'source': {
        const source = pick(this.#sources, first);
        source.isUp = !source.isUp;
        return this.#tell(`${source.name} is ${source.isUp ? 'up' : 'down'}`);
      }
      case 'time':
        this.#nowMs += Math.floor(first * 36) * HOUR_MS;
        return;
      case 'clock':
        return this.#jump(first, second);
      case 'days':
        return await this.#days(1 + Math.floor(first * 5), second < 0.5);
      case 'back and forth':
        return await this.#backAndForth(name, second);
      case 'lose state':
        await this.#machine.loseState();
        return this.#oracle.stateLost();
      case 'confirm':
        return await this.#confirm(dieIn);
      default:
        return await this.#work(kind, { name, dieIn, isConfirmed: second < 0.2 });
    }
  }

  async #work(
    kind: Exclude<Kind, 'wish' | 'push' | 'delete tag' | 'registry' | 'source'>,
    { name, dieIn, isConfirmed }: { name: string; dieIn: number | undefined; isConfirmed: boolean },
  ): Promise<void> {
    switch (kind) {
      case 'cycle':
        return await this.#cycle(dieIn);
      case 'collect':
        return await this.#collect(dieIn, isConfirmed);
      case 'together':
        return await this.#together(dieIn, isConfirmed);
      case 'by hand': {
        this.#tell(name);
        const byHand = new Set([name]);
        const done = await this.#observed(
          { byHand },
          async () => await this.#machine.publishByHand(name),
          dieIn,
        );
        if (done === true && this.#seen?.byHand.has(name) !== true)
          this.#wrong.push(`${name} was published by hand, and nothing says so`);
        return;
      }
      case 'remove':
        this.#tell(name);
        await this.#observed(
          { byHand: new Set([name]) },
          async () => await this.#machine.remove(name),
          dieIn,
        );
        return;
      case 'restore':
        return await this.#restore(name, dieIn);
      default:
    }
  }

  async #cycle(dieIn: number | undefined): Promise<void> {
    await this.#observed({ isCycle: true }, async () => await this.#machine.cycle(), dieIn);
  }

  async #collect(dieIn: number | undefined, isConfirmed: boolean): Promise<void> {
    await this.#observed({ isCollection: true }, async () => await this.#machine.collect(isConfirmed), dieIn);
  }

  async #restore(wished: string, dieIn: number | undefined): Promise<void> {
    const some = [...(this.#seen?.removed ?? [])].sort();
    const name = some.length === 0 ? wished : (some[NAMES.indexOf(wished) % some.length] ?? wished);
    const before = this.#seen;
    this.#tell(name);
    const outcome = await this.#observed(
      { byHand: new Set([name]) },
      async () => await this.#machine.restore(name),
      dieIn,
    );
    const image = this.#options.images.find(({ config }) => config === this.#removed.get(name));
    const isWhole = image !== undefined && image.trees.every((tree) => before?.trees.has(tree));
    if (outcome === 'trees-gone' && isWhole) this.#wrong.push(`${name} is whole, and was not restored`);
    if (outcome === 'unknown' && before?.removed.has(name))
      this.#wrong.push(`${name} was kept, and is unknown`);
    if (outcome === 'restored') this.#counts.restorations++;
    this.#tell(outcome ?? 'died');
  }

  async #confirm(dieIn: number | undefined): Promise<void> {
    const done = await this.#machine.run(async () => await this.#machine.confirm(), dieIn);
    this.#oracle.confirmed(this.#nowMs, done === undefined);
  }

  async #days(days: number, isCollected: boolean): Promise<void> {
    for (let day = 0; day < days && this.#wrong.length === 0; day++) {
      this.#nowMs += DAY_MS;
      await this.#cycle(undefined);
      if (isCollected) await this.#collect(undefined, false);
    }
  }

  /** A tag moves away, back, and away again; its first image is collected in between, or waits for that. */
  async #backAndForth(name: string, random: number): Promise<void> {
    const [one, other] = [this.#oracle.tagOf(name) ?? this.#pushed[0], pick(this.#pushed, random)];
    for (const image of [other, one, other]) {
      if (image === undefined || this.#wrong.length > 0) return;
      this.#registries.of(hostOf(name)).tags.set(tagOf(name), image);
      this.#tell(`${name} is image ${image.number}`);
      await this.#cycle(undefined);
      if (image === other) await this.#collect(undefined, false);
      this.#nowMs += Math.floor(12 + random * 36) * HOUR_MS;
    }
    await this.#collect(undefined, false);
    if (one === undefined || random < 0.3 || this.#wrong.length > 0) return;
    // What is due is collected while the tag comes back to it.
    this.#nowMs += GRACE_MS + DAY_MS;
    this.#registries.of(hostOf(name)).tags.set(tagOf(name), one);
    this.#tell(`${name} is image ${one.number} again, ${new Date(this.#nowMs).toISOString()}`);
    await this.#together(undefined, true);
  }

  async #together(dieIn: number | undefined, isConfirmed: boolean): Promise<void> {
    const both = async (): Promise<void> => {
      const ends = await Promise.allSettled([this.#machine.cycle(), this.#machine.collect(isConfirmed)]);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    };
    await this.#observed({ isCycle: true, isCollection: true }, both, dieIn);
  }

  /** Everything becomes calm, and what is left is what was wanted. */
  async #end(): Promise<void> {
    this.#steps.push('calm');
    for (const { name, lines } of this.#sources) this.#tell(`${name}: ${[...lines].join(' ')}`);
    for (const registry of this.#registries.all()) registry.mode = 'up';
    for (const source of this.#sources) source.isUp = true;
    await this.#machine.retry();
    const lastMs = 2 * GRACE_MS + 9 * DAY_MS;
    for (let ms = 0; ms <= lastMs && this.#wrong.length === 0;) {
      const stepMs = ms < 4 * DAY_MS ? DAY_MS : 3 * DAY_MS;
      ms += stepMs;
      this.#nowMs += stepMs;
      await this.#cycle(undefined);
      await this.#confirm(undefined);
      await this.#collect(undefined, true);
    }
    if (this.#wrong.length === 0) this.#checkEnd();
  }

  #checkEnd(): void {
    const seen = this.#seen ?? look(this.#machine.repository);
    const wrong = (text: string): void => void this.#wrong.push(`in the end ${text}`);
    for (const name of NAMES) {
      const tag = this.#oracle.tagOf(name);
      const isAsked = this.#oracle.askersOf(name).length > 0;
      const isThere = seen.names.has(name);
      if (isAsked && tag !== undefined) {
        if (seen.names.get(name) !== tag.config)
          wrong(`${name} is ${seen.names.get(name)}, not ${tag.config}`);
        continue;
      }
      const goes = !this.#oracle.byHand.has(name) && this.#oracle.wasAskedFor(name) === true;
      if (isThere && goes) wrong(`${name} is there, and not wanted`);
    }
    const referred = this.#oracle.referredTo(seen);
    for (const tree of seen.trees)
      if (!referred.has(tree)) wrong(`${tree} is there, and nothing refers to it`);
    for (const record of seen.records) if (!seen.trees.has(record)) wrong(`there is a record of ${record}`);
    if (seen.hasMarks) wrong('there are marks');
    if (!this.#hasJumped && seen.removed.size > 0)
      wrong(`something is kept of ${[...seen.removed].join(' ')}`);
  }

  /** Does something with the repository, and looks at what came of it. @returns `undefined` where it died */
  async #observed<T>(
    what: Partial<Event>,
    work: () => Promise<T>,
    dieIn: number | undefined,
  ): Promise<T | undefined> {
    const done = await this.#machine.run(work, dieIn);
    const root = this.#machine.repository;
    if (done === undefined) {
      this.#counts.deaths++;
      this.#tell('died');
      if (existsSync(root))
        for (const name of danglingNames(root)) this.#wrong.push(`${name} leads to nothing after a death`);
      await this.#machine.recover();
    }
    if (!existsSync(join(root, '.metadata'))) return done?.result;
    const event = { isCycle: false, isCollection: false, byHand: new Set<string>(), ...what };
    const seen = look(root);
    this.#wrong.push(
      ...this.#oracle.observe({ ...event, nowMs: this.#nowMs, isDead: done === undefined }, seen),
    );
    this.#wrong.push(...wrongContents(root, seen, this.#options.images), ...this.#machine.bugs.splice(0));
    this.#count(event, seen);
    this.#seen = seen;
    return done?.result;
  }

  #count({ byHand }: Pick<Event, 'byHand'>, seen: Seen): void {
    const before = this.#seen;
    if (before === undefined) return;
    for (const [name, config] of before.names) {
      if (seen.names.has(name)) continue;
      this.#removed.set(name, config);
      if (!byHand.has(name)) this.#counts.removals++;
    }
    const [was, is] = [this.#oracle.referredTo(before), this.#oracle.referredTo(seen)];
    for (const tree of before.trees) {
      if (!seen.trees.has(tree)) this.#counts.sweeps++;
      else if (!was.has(tree) && is.has(tree)) this.#counts.returns++;
    }
  }

  #push(name: string, which = this.#random()): void {
    const image = pick(this.#pushed, which);
    this.#registries.of(hostOf(name)).tags.set(tagOf(name), image);
    this.#tell(`${name} is image ${image.number}`);
  }

  #jump(first: number, second: number): void {
    const ms = Math.floor(second ** 3 * 400 * 24) * HOUR_MS;
    this.#hasJumped = true;
    this.#nowMs += first < 0.5 ? ms : -ms;
    this.#tell(`${first < 0.5 ? '+' : '-'}${ms / HOUR_MS} h`);
  }

  #tell(text: string): void {
    this.#steps.push(`    ${text}`);
  }
}

const LINES: readonly string[] = [...NAMES, ...HOSTS.map((host) => `${host}/${REPOSITORY}:*`)];

/** How often each kind of step comes. */
const WEIGHTS = [
  ['wish', 6],
  ['push', 4],
  ['delete tag', 3],
  ['registry', 3],
  ['source', 3],
  ['time', 5],
  ['days', 3],
  ['cycle', 7],
  ['collect', 5],
  ['together', 3],
  ['by hand', 1],
  ['remove', 1],
  ['restore', 2],
  ['back and forth', 2],
  ['confirm', 1],
  ['lose state', 0.5],
  ['clock', 0.7],
] as const;

type Kind = (typeof WEIGHTS)[number][0];

function pick<T>(from: readonly T[], random: number): T {
  const found = from[Math.floor(random * from.length)];
  if (found === undefined) throw new Error('there is nothing to choose from');
  return found;
}

function withoutPodman(image: ModelImage): ModelImage {
  return { ...image, trees: image.trees.filter((tree) => !/^(?:images|stored)\//.test(tree)) };
}

function hostOf(name: string): string {
  return name.slice(0, name.indexOf('/'));
}

function tagOf(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}
