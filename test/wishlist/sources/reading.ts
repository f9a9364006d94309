import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { urlSource, type UrlSettings } from '../../../wishlist/sources/fetch-url.ts';
import { gitSource } from '../../../wishlist/sources/git/fetch.ts';
import { parseGitAddress, type GitSettings } from '../../../wishlist/sources/git/settings.ts';
import { readSources, type SourcesOptions } from '../../../wishlist/sources/read-sources.ts';
import type { SourceState, WishlistSource } from '../../../wishlist/sources/source.ts';
import { temporaryDirectory } from '../../support/setup.ts';

/** Settings of a git source, all of them as if nothing were said. */
export function gitSettings(url: string, settings: Partial<GitSettings> = {}): GitSettings {
  const address = parseGitAddress(url);
  if (address === undefined) throw new Error(`${url} is no address`);
  return {
    name: 'wishlist',
    address,
    branch: undefined,
    paths: ['recipe.yaml'],
    login: undefined,
    key: undefined,
    knownHosts: undefined,
    authorities: undefined,
    ...settings,
  };
}

export function gitAt(url: string, settings: Partial<GitSettings> = {}): WishlistSource {
  return gitSource(gitSettings(url, settings));
}

export function urlAt(url: string, settings: Partial<UrlSettings> = {}): WishlistSource {
  return urlSource({ name: 'wishlist', url, login: undefined, authorities: undefined, ...settings });
}

/** Reads sources again and again, each time as a new process would, and a minute later. */
export class Reader {
  readonly directory: string;
  readonly #options: Partial<SourcesOptions>;
  #minute = 0;

  private constructor(directory: string, options: Partial<SourcesOptions>) {
    this.directory = directory;
    this.#options = options;
  }

  static async create(options: Partial<SourcesOptions> = {}): Promise<Reader> {
    return new Reader(join(await temporaryDirectory('sources'), 'sources'), options);
  }

  async read(source: WishlistSource): Promise<SourceState> {
    const [state] = await this.readAll([source]);
    if (state === undefined) throw new Error('there is no state');
    return state;
  }

  async readAll(sources: readonly WishlistSource[]): Promise<SourceState[]> {
    this.#minute += 1;
    const time = timeOf(this.#minute);
    const { PATH } = process.env;
    const options = { directory: this.directory, environment: { PATH }, now: () => new Date(time) };
    return await readSources(sources, { ...options, ...this.#options });
  }

  /** The folder of the only source. */
  get folder(): string {
    const [name = ''] = readdirSync(this.directory);
    return join(this.directory, name);
  }

  get clone(): string {
    return join(this.folder, 'repository.git');
  }

  /** All that is kept on disk, as one text. */
  get everything(): string {
    const entries = readdirSync(this.directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')).join('\n');
  }
}

/** The time of the read number `minute`, from 1. */
export function timeOf(minute: number): string {
  return new Date(Date.UTC(2024, 0, 1, 0, minute)).toISOString();
}

/** What of a state matters to whoever plans: the images in force, the failure's code, and since when it fails. */
export function summary({ content, failure, failingSince }: SourceState): {
  readonly images: readonly string[] | undefined;
  readonly code: string | undefined;
  readonly failingSince: string | undefined;
} {
  const images = content?.recipes.flatMap(({ wishes }) => wishes.map(({ text }) => text));
  return { images, code: failure?.code, failingSince };
}
