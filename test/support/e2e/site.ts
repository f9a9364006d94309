import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DirectoryView } from '../../../publisher/publication/view.ts';
import { createCvmfsFixture, type CvmfsFixture, type Release } from '../cvmfs-server/fixture.ts';
import { temporaryDirectory } from '../setup.ts';
import { clientPath } from '../trees/client-path.ts';
import {
  run,
  runHere,
  start,
  type Outcome,
  type RunOptions,
  type Running,
  type OutcomeHere,
} from './unpackd.ts';

export const REPOSITORY = 'images.unpackd.test';

/** Where clients see repositories: a short path, since those of an image's layers must fit into 4,096 bytes for podman 4. */
export const CLIENT_ROOT = '/mnt';

export const BACKENDS = ['directory', 'cvmfs'] as const;
export type BackendKind = (typeof BACKENDS)[number];

/** More than a remount takes on a busy machine. */
const REMOUNT_MS = 5000;

/** What one user of unpackd has: a folder for recipes, a state directory, and a repository of one kind. */
export class Site {
  readonly folder: string;
  readonly state: string;
  /** Of the cvmfs kind alone. */
  readonly fixture: CvmfsFixture | undefined;
  /** The revision that it stays at. */
  readonly #revision: string | undefined;
  #recipes = 0;

  private constructor(folder: string, fixture: CvmfsFixture | undefined, revision?: string) {
    this.folder = folder;
    this.state = join(folder, 'state');
    this.fixture = fixture;
    this.#revision = revision;
  }

  static async make(kind: BackendKind, release?: Release): Promise<Site> {
    const folder = await temporaryDirectory('site');
    if (kind === 'directory') return new Site(folder, undefined);
    const fixture = await createCvmfsFixture(release);
    await fixture.repository(REPOSITORY, { xattrs: true, gc: true });
    return new Site(folder, fixture);
  }

  /** Where repositories are. */
  get root(): string {
    return this.fixture?.root ?? join(this.folder, 'root');
  }

  /** Where the published state of the repository can be read. */
  get published(): string {
    return this.#revision ?? this.fixture?.view(REPOSITORY) ?? join(this.root, REPOSITORY);
  }

  /**
   * The same site as a client sees it that stays at the revision which is mounted now, whatever a `cvmfs_server` still does.
   * That waits until one is mounted; `undefined`: none is any more, since the command was killed while it mounted anew.
   */
  async pinned(): Promise<Site | undefined> {
    if (this.fixture === undefined) return this;
    const deadline = performance.now() + REMOUNT_MS;
    for (;;) {
      const revision = this.fixture.mounted(REPOSITORY);
      if (revision !== undefined) return new Site(this.folder, this.fixture, revision);
      if (performance.now() > deadline) return undefined;
      await sleep(20);
    }
  }

  /** The options that every run on this site needs. Clients see all sites at one place, so that they can be compared. */
  get options(): string[] {
    const places = ['--root', this.root, '--state', this.state, '--client-root', CLIENT_ROOT];
    const common = ['--progress', 'plain', ...places];
    // Said, since it is doubted on a machine with a CernVM-FS.
    if (this.fixture === undefined) return [...common, '--backend', 'directory'];
    const { command, spool, config } = this.fixture;
    const server = [
      '--cvmfs-server',
      command,
      '--cvmfs-spool',
      spool,
      '--cvmfs-configuration',
      dirname(config),
    ];
    return [...common, '--backend', 'cvmfs', ...server];
  }

  /** Writes a new recipe that asks for `images`, one line each from line 4 on, and gives its path. */
  recipe(images: readonly string[], repository = REPOSITORY): string {
    this.#recipes++;
    const path = join(this.folder, `recipe-${this.#recipes}.yaml`);
    const lines = images.map((image) => `  - '${image}'`);
    const input = lines.length === 0 ? ['input: []'] : ['input:', ...lines];
    writeFileSync(path, ['version: 1', `cvmfs_repo: '${repository}'`, ...input, ''].join('\n'));
    return path;
  }

  /** Runs `convert` for `images`, with further `words` and settings. */
  async convert(
    images: readonly string[],
    words: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<Outcome> {
    return await run(this.#words(images, words), options);
  }

  startConvert(images: readonly string[], words: readonly string[] = [], options: RunOptions = {}): Running {
    return start(this.#words(images, words), options);
  }

  /** The same in this process. */
  async convertHere(images: readonly string[], words: readonly string[] = []): Promise<OutcomeHere> {
    return await runHere(this.#words(images, words));
  }

  /**
   * Writes the configuration of a daemon that looks every second at `sources`, lines of the key of that name, and gives
   * its path. Only `settings` may change while it runs.
   */
  configuration(
    sources: readonly string[],
    settings: Readonly<Record<string, string>> = {},
    name = 'unpackd.yaml',
  ): string {
    const path = join(this.folder, name);
    const all = { schedule: '* * * * * *', jitter: '0s', 'batch-age': '0s', ...settings };
    const lines = Object.entries(all).map(([key, value]) => `${key}: '${value}'`);
    writeFileSync(path, [...lines, 'sources:', ...sources.map((line) => `  ${line}`), ''].join('\n'));
    return path;
  }

  /** Starts `unpackd daemon` with a configuration that was written before. */
  startDaemon(configuration: string, words: readonly string[] = [], options: RunOptions = {}): Running {
    return start(['daemon', '--config', configuration, ...this.options, ...words], options);
  }

  /** Runs another command, such as `status`. */
  async command(words: readonly string[]): Promise<Outcome> {
    return await run([...words, ...this.options]);
  }

  /** The same in this process. */
  async commandHere(words: readonly string[]): Promise<OutcomeHere> {
    return await runHere([...words, ...this.options]);
  }

  path(path: string): string {
    return join(this.published, path);
  }

  /** Where a client finds `path` that is told of no architecture, or of this: clients of CernVM-FS follow variant links. */
  async clientPath(path: string, architecture?: string): Promise<string> {
    const view = new DirectoryView(this.published);
    const variables = architecture === undefined ? {} : { CVMFS_ARCH: architecture };
    return this.path(await clientPath(path, variables, async (link) => await view.readLink(link)));
  }

  async close(): Promise<void> {
    await this.fixture?.close();
  }

  #words(images: readonly string[], words: readonly string[]): string[] {
    return ['convert', this.recipe(images), ...this.options, ...words];
  }
}
