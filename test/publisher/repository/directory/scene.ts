import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Publication } from '../../../../publisher/publication/backend.ts';
import { DirectoryBackend } from '../../../../publisher/repository/directory/backend.ts';
import type { Entry } from '../../../../publisher/publication/entry.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { snapshot, type Snapshot } from '../../../support/trees/snapshot.ts';
import { listener, publication, uninterrupted } from '../entries.ts';

export const NAME = 'images.test';

/** One repository of a directory backend. */
export class Scene {
  readonly root: string;
  readonly backend: DirectoryBackend;
  readonly said: string[];
  readonly #notice: ReturnType<typeof listener>['notice'];

  constructor(root: string) {
    this.root = root;
    this.backend = new DirectoryBackend({ root, waitMs: 0, allowPrivileged: true });
    const { notice, said } = listener();
    this.said = said;
    this.#notice = notice;
  }

  static async make(): Promise<Scene> {
    return new Scene(await temporaryDirectory('directory'));
  }

  get repository(): string {
    return join(this.root, NAME);
  }

  get control(): string {
    return join(this.root, `.unpackd-${NAME}`);
  }

  path(path: string): Buffer {
    return Buffer.from(`${this.repository}/${path}`, 'latin1');
  }

  stat(path: string) {
    return lstatSync(this.path(path));
  }

  async open() {
    return await this.backend.open(NAME, { notice: this.#notice, signal: uninterrupted().signal });
  }

  async recover(): Promise<void> {
    await this.backend.recover(NAME, this.#notice);
  }

  /** Opens the repository, publishes, and releases it. */
  async publish(given: Publication | readonly Entry[]): Promise<void> {
    const repository = await this.open();
    try {
      await repository.publish('trees' in given ? given : publication(given), uninterrupted());
    } finally {
      await repository.release();
    }
  }

  /** What is published. */
  async published(): Promise<Snapshot> {
    return await snapshot(this.repository, { directoryTimes: true });
  }

  /** What lies beside the repository. */
  leftOver(): string[] {
    return readdirSync(this.control).filter((name) => name !== 'lock');
  }
}
