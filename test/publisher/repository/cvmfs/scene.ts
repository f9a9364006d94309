import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Publication } from '../../../../publisher/publication/backend.ts';
import { CvmfsBackend, type CvmfsBackendOptions } from '../../../../publisher/repository/cvmfs/backend.ts';
import {
  locateRepository,
  type CvmfsRepository,
  type Installation,
} from '../../../../publisher/repository/cvmfs/installation.ts';
import {
  createCvmfsFixture,
  type CvmfsFixture,
  type Release,
  type RepositoryOptions,
} from '../../../support/cvmfs-server/fixture.ts';
import { snapshot } from '../../../support/trees/snapshot.ts';
import { listener, uninterrupted } from '../entries.ts';

export const NAME = 'backend.unpackd.test';

/** A release manager with one repository, and the backend that writes it. */
export class Scene {
  readonly fixture: CvmfsFixture;
  readonly said: string[];
  readonly notice: ReturnType<typeof listener>['notice'];

  private constructor(fixture: CvmfsFixture) {
    this.fixture = fixture;
    const { notice, said } = listener();
    this.notice = notice;
    this.said = said;
  }

  static async make({
    release,
    ...options
  }: RepositoryOptions & { readonly release?: Release } = {}): Promise<Scene> {
    const fixture = await createCvmfsFixture(release);
    await fixture.repository(NAME, options);
    return new Scene(fixture);
  }

  get repository(): CvmfsRepository {
    return locateRepository(this.#installation, NAME);
  }

  backend(options: Partial<CvmfsBackendOptions> = {}): CvmfsBackend {
    return new CvmfsBackend({ installation: this.#installation, waitMs: 0, idleLimitMs: 60_000, ...options });
  }

  /** Opens the repository, publishes, and releases it. */
  async publish(
    publication: Publication,
    { signal, ...options }: Partial<CvmfsBackendOptions> & { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const given = { ...uninterrupted(), ...(signal && { signal }) };
    const repository = await this.backend(options).open(NAME, { notice: this.notice, signal: given.signal });
    try {
      await repository.publish(publication, given);
    } finally {
      await repository.release();
    }
  }

  /** What is published, but for the seal and what the server itself has put there. */
  async published(): Promise<ReadonlyMap<string, string>> {
    const ignore = (path: string): boolean => path === '.unpackd' || path === 'new_repository';
    return await snapshot(this.fixture.view(NAME), { ignore });
  }

  get paths(): { transaction: string; record: string } {
    const spool = join(this.fixture.spool, NAME);
    return { transaction: join(spool, 'in_transaction.lock'), record: join(spool, 'unpackd.transaction') };
  }

  /** Whether no transaction is open, and no note of one is left. */
  isClear(): boolean {
    return !existsSync(this.paths.transaction) && !existsSync(this.paths.record);
  }

  get #installation(): Installation {
    const { command, root, spool, config } = this.fixture;
    return { command, root, spool, configuration: dirname(config) };
  }

  /** The commands that were run. */
  commands(): string[] {
    return this.fixture.calls().map(({ command }) => command);
  }
}
