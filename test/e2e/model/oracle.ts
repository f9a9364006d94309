import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { layerContent, layerFile, type ModelImage } from './images.ts';
import { NAMES, REPOSITORY as LAB, type ModelRegistries } from './registries.ts';
import type { Seen } from './seen.ts';
import type { ModelSource } from './sources.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const JUMP_MS = 7 * DAY_MS;
const CONFIRMED_AFTER_MS = DAY_MS;
const ALWAYS = 5;
const SHARE = 0.1;

/** What was done to the repository between two looks at it. */
export interface Event {
  readonly nowMs: number;
  readonly isCycle: boolean;
  readonly isCollection: boolean;
  /** The process died: nobody knows what it remembered. */
  readonly isDead: boolean;
  /** Names that were taken back, published or restored by hand. */
  readonly byHand: ReadonlySet<string>;
}

interface World {
  readonly registries: ModelRegistries;
  readonly sources: readonly ModelSource[];
  readonly images: readonly ModelImage[];
  readonly removalLimit: number;
  readonly graceMs: number;
  readonly keepMs: number;
}

/** Evidence that somebody who only sees the world and the repository has for the end of a name. */
interface Evidence {
  /** When cycles began to find that nobody asks for it; times are what the clock showed, the earliest of them. */
  unaskedMs: number | undefined;
  /** When cycles began to find its tag gone for sure. */
  absentMs: number | undefined;
  /** When one found that last: within an hour, none need look again. */
  absentLastMs: number | undefined;
  /** Sources that asked for it last; `undefined` where a death makes that doubtful. */
  askers: ReadonlySet<string> | undefined;
  isConfirmed: boolean;
}

/**
 * What users were promised: no name goes but for a reason that they could have seen, and no tree while anything refers to it, or
 * within its grace. It knows nothing of how unpackd decides, and where a death or a clock leaves doubt, it lets go what might.
 */
export class Oracle {
  readonly #world: World;
  readonly #byHand = new Set<string>();
  readonly #evidence = new Map<string, Evidence>();
  /** By tree, the earliest time of a collection that found nothing that refers to it. */
  readonly #unreferenced = new Map<string, number>();
  /** Times that unpackd may take for the last ones that the clock showed. */
  #clocks: (number | undefined)[] = [undefined];
  #before: Seen | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Names that only their owner takes back. */
  get byHand(): ReadonlySet<string> {
    return this.#byHand;
  }

  /** Whether a cycle found somebody to ask for the name, as far as that is remembered; `undefined` where that is in doubt. */
  wasAskedFor(name: string): boolean | undefined {
    const evidence = this.#evidence.get(name) ?? newEvidence();
    return evidence.askers && evidence.askers.size > 0;
  }

  stateLost(): void {
    this.#evidence.clear();
    this.#clocks = [undefined];
  }

  /** The operator lets go what is held. */
  confirmed(nowMs: number, isDead: boolean): void {
    for (const evidence of this.#evidence.values()) evidence.isConfirmed = true;
    this.#clocks = isDead ? [...this.#clocks, nowMs] : [nowMs, ...this.#clocks];
  }

  /** Compares what is seen after `event` with what may be. @returns what is wrong */
  observe(event: Event, seen: Seen): string[] {
    const before = this.#before;
    this.#before = seen;
    const wrong = [...seen.faults];
    if (event.isCycle) this.#learn(event);
    if (before !== undefined) {
      this.#checkNames(event, before, seen, wrong);
      this.#checkTrees(event, before, seen, wrong);
    }
    const referred = this.referredTo(seen);
    for (const tree of referred) if (!seen.trees.has(tree)) wrong.push(`${tree} is gone, and referred to`);
    for (const tree of seen.trees) {
      if (referred.has(tree)) this.#unreferenced.delete(tree);
      else if (event.isCollection)
        this.#unreferenced.set(tree, Math.min(this.#unreferenced.get(tree) ?? event.nowMs, event.nowMs));
    }
    for (const tree of this.#unreferenced.keys()) if (!seen.trees.has(tree)) this.#unreferenced.delete(tree);
    for (const name of event.byHand) if (seen.byHand.has(name)) this.#byHand.add(name);
    for (const name of this.#byHand) {
      if (!seen.names.has(name)) this.#byHand.delete(name);
      else if (!seen.byHand.has(name)) wrong.push(`${name} was published by hand, and no longer says so`);
    }
    return wrong;
  }

  /** The trees of all images that have a name. */
  referredTo({ names }: Seen): Set<string> {
    const configs = new Set(names.values());
    return new Set(this.#world.images.flatMap((image) => (configs.has(image.config) ? image.trees : [])));
  }

  /** The image that the registry has for `name` now. */
  tagOf(name: string): ModelImage | undefined {
    const [host, tag] = partsOf(name);
    return this.#world.registries.of(host).tags.get(tag);
  }

  /** The sources that ask for `name`, as they were read last. */
  askersOf(name: string): ModelSource[] {
    const [host] = partsOf(name);
    return this.#world.sources.filter(
      ({ known }) => known === undefined || known.has(name) || known.has(`${host}/${LAB}:*`),
    );
  }

  /** Notes what a cycle can find out now. */
  #learn({ nowMs, isDead }: Event): void {
    const isBelieved = this.#clocks.some((clock) => isNear(clock, nowMs));
    for (const name of NAMES) {
      const evidence = this.#evidence.get(name) ?? newEvidence();
      this.#evidence.set(name, evidence);
      this.#learnOf(name, evidence, { nowMs, isDead, isBelieved });
    }
    const moved = this.#clocks.map((clock) =>
      isNear(clock, nowMs) ? Math.max(clock ?? nowMs, nowMs) : clock,
    );
    this.#clocks = [...new Set(isDead ? [...this.#clocks, ...moved] : moved)];
  }

  #learnOf(
    name: string,
    evidence: Evidence,
    { nowMs, isDead, isBelieved }: { nowMs: number; isDead: boolean; isBelieved: boolean },
  ): void {
    const [host] = partsOf(name);
    const { mode } = this.#world.registries.of(host);
    const isThere = this.tagOf(name) !== undefined;
    const isSure = mode === 'up' || mode === 'empty';
    const asking = this.askersOf(name);
    const isAsked = asking.length > 0;
    if (!isAsked && isBelieved) evidence.unaskedMs = Math.min(evidence.unaskedMs ?? nowMs, nowMs);
    if (!isThere && isSure && isBelieved) {
      evidence.absentMs = Math.min(evidence.absentMs ?? nowMs, nowMs);
      evidence.absentLastMs = nowMs;
    }
    if (isDead) {
      evidence.askers = undefined;
      return;
    }
    if (isAsked) evidence.unaskedMs = undefined;
    if (isAsked && isThere && mode === 'up') {
      const isRecent = Math.abs(nowMs - (evidence.absentLastMs ?? -HOUR_MS)) < HOUR_MS;
      if (!isRecent) evidence.absentMs = undefined;
      evidence.isConfirmed = false;
    }
    // Who asks by a pattern is found to ask for what the registry lists: of a list that is cut short nobody knows.
    const isDoubtful = mode === 'cut' && isThere;
    const found = asking.filter(
      ({ known }) => known !== undefined && (known.has(name) || (isThere && mode === 'up')),
    );
    if (isDoubtful && asking.length > 0) evidence.askers = undefined;
    else if (found.length > 0) evidence.askers = new Set(found.map((source) => source.name));
  }

  #checkNames(event: Event, before: Seen, seen: Seen, wrong: string[]): void {
    let unconfirmed = 0;
    for (const [name, config] of before.names) {
      if (seen.names.has(name) || event.byHand.has(name)) continue;
      const why = this.#mayNotGo(event, name);
      if (why !== undefined) wrong.push(`${name} is gone (${config}): ${why}`);
      if (this.#evidence.get(name)?.isConfirmed !== true) unconfirmed++;
    }
    const most = Math.min(this.#world.removalLimit, Math.max(ALWAYS, Math.floor(before.names.size * SHARE)));
    if (unconfirmed > most) wrong.push(`${unconfirmed} names went at once, and ${most} may`);
    for (const [name, config] of seen.names) {
      if (config === undefined) wrong.push(`${name} has no metadata`);
      if (before.names.get(name) === config || event.byHand.has(name)) continue;
      if (!event.isCycle) wrong.push(`${name} changed outside of a cycle`);
      if (this.tagOf(name)?.config !== config) wrong.push(`${name} became ${config}, which its tag is not`);
      if (this.askersOf(name).length === 0) wrong.push(`${name} came, and nobody asks for it`);
    }
  }

  /** Why a plan may not take the name back now. */
  #mayNotGo({ nowMs, isCycle }: Event, name: string): string | undefined {
    const evidence = this.#evidence.get(name);
    if (!isCycle) return 'that was no cycle';
    if (evidence === undefined) return 'no cycle looked for it';
    if (this.#byHand.has(name)) return 'it was published by hand';
    if (!this.#clocks.some((clock) => isNear(clock, nowMs))) return 'the clock is not believed';
    const { keepMs } = this.#world;
    const { askers, unaskedMs, absentMs, isConfirmed } = evidence;
    if (askers?.size === 0) return 'nobody ever asked for it';
    const byName = new Map(this.#world.sources.map((source) => [source.name, source]));
    for (const asker of askers ?? []) {
      const source = byName.get(asker);
      if (source?.isUp !== true) return `${asker} asked for it, and cannot be read`;
      if (source.known?.size === 0 && !isConfirmed) return `${asker} asks for nothing any more`;
    }
    if (this.askersOf(name).length === 0) {
      const sinceMs = Math.min(unaskedMs ?? nowMs, absentMs ?? nowMs);
      return nowMs - sinceMs >= keepMs
        ? undefined
        : `nobody asks for it only since ${daysOf(nowMs - sinceMs)}`;
    }
    const [host] = partsOf(name);
    const { mode } = this.#world.registries.of(host);
    if (this.tagOf(name) !== undefined || (mode !== 'up' && mode !== 'empty'))
      return `its tag is not gone: ${mode}`;
    const goneMs = nowMs - (absentMs ?? nowMs);
    return goneMs >= Math.max(keepMs, CONFIRMED_AFTER_MS)
      ? undefined
      : `its tag is gone only since ${daysOf(goneMs)}`;
  }

  #checkTrees(event: Event, before: Seen, seen: Seen, wrong: string[]): void {
    const { graceMs } = this.#world;
    for (const tree of before.trees) {
      if (seen.trees.has(tree)) continue;
      const sinceMs = this.#unreferenced.get(tree) ?? event.nowMs;
      if (!event.isCollection) wrong.push(`${tree} is gone, and that was no collection`);
      else if (event.nowMs - sinceMs < graceMs)
        wrong.push(`${tree} is gone, though unreferenced only since ${daysOf(event.nowMs - sinceMs)}`);
    }
  }
}

/** Compares the contents of all trees that have a name with what their images say. */
export function wrongContents(root: string, seen: Seen, images: readonly ModelImage[]): string[] {
  const wrong: string[] = [];
  const expect = (path: string, content: string): void => {
    const found = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined;
    if (found !== content) wrong.push(`${path} is ${JSON.stringify(found)}`);
  };
  for (const [name, config] of seen.names) {
    const image = images.find((one) => one.config === config);
    if (image === undefined) continue;
    for (const layer of image.layers) expect(join(name, layerFile(layer)), layerContent(layer));
    expect(join(name, 'top'), layerContent(image.layers.at(-1) ?? 0));
    for (const [index, tree] of image.trees.filter((one) => one.startsWith('layers/')).entries()) {
      const hex = tree.slice('layers/'.length);
      const number = image.layers[index] ?? 0;
      expect(join('.layers', hex.slice(0, 2), hex, 'layerfs', layerFile(number)), layerContent(number));
    }
  }
  return wrong;
}

function newEvidence(): Evidence {
  return {
    unaskedMs: undefined,
    absentMs: undefined,
    absentLastMs: undefined,
    askers: new Set(),
    isConfirmed: false,
  };
}

function partsOf(name: string): [host: string, tag: string] {
  const [host = ''] = name.split('/');
  return [host, name.slice(name.lastIndexOf(':') + 1)];
}

function isNear(clock: number | undefined, nowMs: number): boolean {
  return clock === undefined || Math.abs(nowMs - clock) <= JUMP_MS;
}

function daysOf(ms: number): string {
  return `${(ms / DAY_MS).toFixed(2)} days`;
}
