import { execFile } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../setup.ts';

/** What is committed at a path: text, or a symbolic link. */
export type Content = string | Buffer | { readonly link: string };

const command = promisify(execFile);
const AUTHOR = 'Ada Test';

/** A bare repository that people push to, with the clone of one of them. */
export class Upstream {
  /** Where repositories are, for servers. */
  readonly root: string;
  /** In `root`. */
  readonly name: string;
  readonly #clone: string;

  private constructor(root: string, name: string) {
    this.root = root;
    this.name = name;
    this.#clone = join(root, 'work', name);
  }

  /** One whose default branch is `main`, without any commit. */
  static async create(root?: string, name = 'wishlist.git'): Promise<Upstream> {
    const upstream = new Upstream(root ?? (await temporaryDirectory('upstream')), name);
    await mkdir(upstream.#clone, { recursive: true });
    await upstream.git('init', '--quiet', '--bare', '--initial-branch=main', upstream.path);
    await upstream.git('init', '--quiet', '--initial-branch=main', '.');
    return upstream;
  }

  get path(): string {
    return join(this.root, this.name);
  }

  /** Commits `files` to `branch` and pushes it; gives the hash. */
  async push(files: Readonly<Record<string, Content>>, branch = 'main'): Promise<string> {
    await this.git('symbolic-ref', 'HEAD', `refs/heads/${branch}`);
    for (const [path, content] of Object.entries(files)) await this.#write(path, content);
    await this.git('add', '--all', '--force');
    await this.git('commit', '--quiet', '--allow-empty', '--message=a test');
    await this.git('push', '--quiet', '--force', this.path, `HEAD:refs/heads/${branch}`);
    return (await this.git('rev-parse', 'HEAD')).trim();
  }

  /** The same in place of all commits that there are. */
  async forcePush(files: Readonly<Record<string, Content>>, branch = 'main'): Promise<string> {
    await this.git('update-ref', '-d', `refs/heads/${branch}`);
    return await this.push(files, branch);
  }

  async deleteBranch(branch: string): Promise<void> {
    await this.git('--git-dir', this.path, 'update-ref', '-d', `refs/heads/${branch}`);
  }

  async setDefaultBranch(branch: string): Promise<void> {
    await this.git('--git-dir', this.path, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`);
  }

  /** Runs git as the person who pushes. */
  async git(...words: string[]): Promise<string> {
    const env = {
      PATH: process.env['PATH'],
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: AUTHOR,
      GIT_AUTHOR_EMAIL: 'ada@example.org',
      GIT_COMMITTER_NAME: 'Somebody Else',
      GIT_COMMITTER_EMAIL: 'else@example.org',
      GIT_COMMITTER_DATE: '2024-05-01T10:00:00+02:00',
    };
    return (await command('git', words, { cwd: this.#clone, env })).stdout;
  }

  async #write(path: string, content: Content): Promise<void> {
    const file = join(this.#clone, path);
    await mkdir(dirname(file), { recursive: true });
    await rm(file, { recursive: true, force: true });
    if (typeof content === 'object' && 'link' in content) await symlink(content.link, file);
    else await writeFile(file, content);
  }
}

/** A recipe of version 1. */
export function recipeText(...images: string[]): string {
  const lines = images.map((image) => `  - '${image}'\n`);
  const input = lines.length === 0 ? 'input: []\n' : `input:\n${lines.join('')}`;
  return `version: 1\ncvmfs_repo: 'images.unpackd.test'\n${input}`;
}
