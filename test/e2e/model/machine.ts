import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { collectGarbage } from '../../../daemon/collection/collector.ts';
import type { Configuration } from '../../../daemon/configuration/options.ts';
import {
  configuredPolicy,
  configuredSettings,
  removalLimitsOf,
} from '../../../daemon/configuration/limits.ts';
import type { CycleContext } from '../../../daemon/cycle/context.ts';
import { runCycle, type Wishlists } from '../../../daemon/cycle/cycle.ts';
import { InFlight } from '../../../daemon/cycle/in-flight.ts';
import { PublisherPool, spoolFolder } from '../../../daemon/cycle/publisher-pool.ts';
import { workOn } from '../../../daemon/cycle/repository-work.ts';
import { restoreRecorded } from '../../../daemon/cycle/restoring.ts';
import { StateStore } from '../../../daemon/cycle/state-store.ts';
import { TagQuestions } from '../../../daemon/cycle/tag-questions.ts';
import { openState } from '../../../daemon/state/open-state.ts';
import type { State } from '../../../daemon/state/state.ts';
import type { Observer } from '../../../publisher/image/events.ts';
import { markByHand } from '../../../publisher/removal/mark-by-hand.ts';
import { removeNames } from '../../../publisher/removal/removal.ts';
import type { RestoreOutcome } from '../../../publisher/removal/restore.ts';
import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import { parseRecipe } from '../../../wishlist/recipe/recipe.ts';
import { NO_SETTINGS } from '../../../wishlist/recipe/settings.ts';
import { configurationOf } from '../../support/daemon/rig.ts';
import { Fate, live, mortal } from './fate.ts';

export const REPOSITORY = 'images.unpackd.test';

/** Mistakes that are put into unpackd on purpose. */
export interface Faults {
  readonly state?: (state: State) => State;
  readonly wishlists?: (wishlists: Wishlists) => Wishlists;
}

export interface MachineOptions {
  readonly folder: string;
  readonly client: RegistryClient;
  readonly removalLimit: number;
  readonly hasPodman: boolean;
  readonly graceMs: number;
  /** What the clock shows. */
  readonly nowMs: () => number;
  readonly readWishlists: () => Wishlists;
  readonly faults: Faults;
}

/** What a process has, until it dies. */
interface Process {
  readonly fate: Fate;
  readonly end: AbortController;
  /** Of the daemon, and of commands beside it. */
  readonly daemon: CycleContext;
  readonly commands: CycleContext;
  readonly pool: PublisherPool;
}

/** A machine with unpackd: a state and a repository that stay, and processes that die and are started again. */
export class Machine {
  readonly configuration: Configuration;
  /** Stacks of errors that nobody foresaw. */
  readonly bugs: string[] = [];
  readonly #options: MachineOptions;
  #process: Process | undefined;

  constructor(options: MachineOptions) {
    const { folder, removalLimit, hasPodman } = options;
    this.#options = options;
    const flags = {
      'removal-limit': String(removalLimit),
      'client-root': join(folder, 'root'),
      chains: 'true',
      'skip-podman': String(!hasPodman),
    };
    this.configuration = configurationOf(folder, { flags });
  }

  get repository(): string {
    return join(this.configuration.root, REPOSITORY);
  }

  /**
   * Runs `work`, which dies at the `dieIn`-th point where that is said.
   *
   * @returns `undefined` where it died
   */
  async run<T>(work: () => Promise<T>, dieIn?: number): Promise<{ readonly result: T } | undefined> {
    const { fate } = this.#living;
    if (dieIn !== undefined) fate.dieIn(dieIn);
    live(fate);
    try {
      const result = await work();
      if (!fate.isDead) return { result };
    } catch (error) {
      if (!fate.isDead) throw error;
    } finally {
      fate.spare();
      live(undefined);
    }
    await this.stop();
    return undefined;
  }

  /** Clears up after a death, as whoever comes next does. */
  async recover(): Promise<void> {
    const { root, waitMs, allowPrivileged } = this.configuration;
    await new DirectoryBackend({ root, waitMs, allowPrivileged }).recover(REPOSITORY, () => undefined);
  }

  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    process.pool.close();
    process.end.abort();
    await process.daemon.store.close();
    await process.commands.store.close();
  }

  async loseState(): Promise<void> {
    await this.stop();
    rmSync(this.configuration.state, { recursive: true, force: true });
  }

  async cycle(): Promise<void> {
    const { daemon } = this.#living;
    const { client, faults } = this.#options;
    const { ended } = await runCycle({
      ...daemon,
      listTags: async (reference) => await client.listTags(reference),
      settings: configuredSettings(this.configuration),
      policy: configuredPolicy(this.configuration),
      readWishlists: async () => {
        const wishlists = this.#options.readWishlists();
        return await Promise.resolve(faults.wishlists?.(wishlists) ?? wishlists);
      },
      onExpanded: () => undefined,
    });
    await ended;
  }

  async collect(isClockConfirmed: boolean): Promise<void> {
    const { daemon, pool, end } = this.#living;
    await pool.use(REPOSITORY, async (publisher) => {
      await collectGarbage(publisher, daemon.store, {
        ...this.configuration,
        gracePeriodMs: this.#options.graceMs,
        dryRun: false,
        yesReally: isClockConfirmed,
        nowMs: this.#options.nowMs,
        observe: () => undefined,
        signal: end.signal,
      });
    });
  }

  /** As `unpackd convert-single-image` does. @returns whether all went well */
  async publishByHand(image: string): Promise<boolean> {
    const { commands, pool } = this.#living;
    const text = `version: 1\ncvmfs_repo: '${REPOSITORY}'\ninput: ['${image}']\n`;
    const policy = configuredPolicy(this.configuration);
    const { images } = await expandRecipes([parseRecipe(text, 'by hand')], noLists, NO_SETTINGS, policy);
    const wanted = images.map((one) => ({ ...one, isByHand: true }));
    const { images: results } = await workOn({ repository: REPOSITORY, wanted, known: undefined }, commands);
    const unchanged = results.flatMap(({ result }) =>
      result.outcome === 'unchanged' ? [result.publicPath] : [],
    );
    await pool.useWithoutSpool(REPOSITORY, async (publisher) => await markByHand(publisher, unchanged));
    return results.length > 0 && results.every(({ result }) => result.outcome !== 'failed');
  }

  /** As `unpackd remove` does: what a line asks for stays. @returns whether it went */
  async remove(name: string): Promise<boolean> {
    if (await this.#isAskedFor(name)) return false;
    const { commands, pool } = this.#living;
    const nowMs = this.#options.nowMs();
    const { removed } = await pool.useWithoutSpool(
      REPOSITORY,
      async (publisher) =>
        await removeNames(publisher, [{ name, reason: 'by hand' }], { nowMs, takesByHand: true }),
    );
    const records = removed.map((publicName) => ({ publicName, platform: 'linux/amd64' }));
    await commands.store.use(undefined, async ({ images }) => await images.remove(REPOSITORY, records));
    return removed.length > 0;
  }

  /** As `unpackd restore` does, but for images whose trees are gone. */
  async restore(name: string): Promise<RestoreOutcome> {
    const isAskedFor = await this.#isAskedFor(name);
    const { commands, pool } = this.#living;
    const { outcome } = await pool.useWithoutSpool(
      REPOSITORY,
      async (publisher) => await restoreRecorded(publisher, commands.store, { name, isAskedFor }),
    );
    return outcome;
  }

  /** As `unpackd remove --held` does. */
  async confirm(): Promise<void> {
    const nowMs = this.#options.nowMs();
    await this.#living.commands.store.use(
      [],
      async ({ removals }) => await removals.confirm(REPOSITORY, nowMs),
    );
  }

  /** As `unpackd retry` does: what died of an image is forgiven. */
  async retry(): Promise<void> {
    const nowMs = this.#options.nowMs();
    await this.#living.commands.store.use(undefined, async ({ attempts, deaths }) => {
      await attempts.retry(undefined, nowMs);
      await deaths.retry(undefined);
    });
  }

  async #isAskedFor(name: string): Promise<boolean> {
    const { store } = this.#living.commands;
    const wishes = await store.use([], async (state) => await state.wishes.of(REPOSITORY));
    return wishes.some(({ publicName }) => publicName === name);
  }

  get #living(): Process {
    this.#process ??= this.#start();
    return this.#process;
  }

  #start(): Process {
    const { configuration } = this;
    const { client, nowMs, faults } = this.#options;
    const end = new AbortController();
    const fate = new Fate(() => end.abort());
    const newStore = (readOnlyWishes: boolean): StateStore =>
      new StateStore({
        open: async () => {
          const state = await openState(configuration.state, () => undefined);
          return mortal(faults.state?.(state) ?? state, fate);
        },
        warn: () => undefined,
        note: () => undefined,
        nowMs,
        readOnlyWishes,
      });
    const stores = [newStore(false), newStore(true)] as const;
    const inFlight = new InFlight({ store: stores[0], spool: spoolFolder(configuration), nowMs });
    const observe: Observer = (event) => {
      if (event.type === 'bug' && !fate.isDead) this.bugs.push(event.stack);
    };
    const pool = new PublisherPool({
      configuration,
      client,
      observe,
      observeIn: () => observe,
      guardIn: inFlight.guard.bind(inFlight),
      signal: end.signal,
      publishSignal: end.signal,
    });
    const context = (store: StateStore, respectBackoff: boolean): CycleContext => ({
      pool,
      store,
      inFlight,
      observeIn: () => observe,
      nowMs,
      removal: {
        limits: removalLimitsOf(configuration),
        takesHeld: false,
        refusals: new Map(),
        questions: new TagQuestions(client.presenceOf.bind(client), () => undefined),
      },
      respectBackoff,
      patienceMs: Number.POSITIVE_INFINITY,
    });
    return { fate, end, pool, daemon: context(stores[0], true), commands: context(stores[1], false) };
  }
}

/** What is published by hand is no pattern. */
async function noLists(): Promise<never> {
  return await Promise.reject(new Error('it is no pattern'));
}
