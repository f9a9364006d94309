import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../setup.ts';

/** What is committed at a path: text, or a symbolic link. */
export type Content = string | Buffer | { readonly link: string };

const command = promisify(execFile);
const AUTHOR = 'Ada Test <ada@example.org>';
const COMMITTER = 'Somebody Else <else@example.org>';
/** 2024-05-01T10:00:00+02:00 */
const DATE = '1714550400 +0200';

/** A bare repository that people push to. */
export class Upstream {
  /** Where repositories are, for servers. */
  readonly root: string;
  /** In `root`. */
  readonly name: string;
  /** Those that have commits. */
  readonly #branches = new Set<string>();

  private constructor(root: string, name: string) {
    this.root = root;
    this.name = name;
  }

  /** One whose default branch is `main`, without any commit. */
  static async create(root?: string, name = 'wishlist.git'): Promise<Upstream> {
    const upstream = new Upstream(root ?? (await temporaryDirectory('upstream')), name);
    await mkdir(upstream.path, { recursive: true });
    await upstream.#git(['init', '--quiet', '--bare', '--initial-branch=main']);
    return upstream;
  }

  get path(): string {
    return join(this.root, this.name);
  }

  /** Commits `files` to `branch`, beside those that it has; gives the hash. Not by a push, for which git starts many more processes. */
  async push(files: Readonly<Record<string, Content>>, branch = 'main'): Promise<string> {
    const parent = this.#branches.has(branch) ? `from refs/heads/${branch}^0\n` : '';
    this.#branches.add(branch);
    const pieces = [
      `commit refs/heads/${branch}\nmark :1\nauthor ${AUTHOR} ${DATE}\ncommitter ${COMMITTER} ${DATE}\n`,
      ...data('a test'),
      parent,
      ...Object.entries(files).flatMap(([path, content]) => fileChange(path, content)),
      'get-mark :1\n',
    ].map((piece) => Buffer.from(piece));
    const words = ['fast-import', '--quiet', '--force', '--cat-blob-fd=1'];
    return (await this.#git(words, Buffer.concat(pieces))).trim();
  }

  /** The same in place of all commits and files that there are. */
  async forcePush(files: Readonly<Record<string, Content>>, branch = 'main'): Promise<string> {
    this.#branches.delete(branch);
    return await this.push(files, branch);
  }

  async deleteBranch(branch: string): Promise<void> {
    this.#branches.delete(branch);
    await this.#git(['update-ref', '-d', `refs/heads/${branch}`]);
  }

  async setDefaultBranch(branch: string): Promise<void> {
    await this.#git(['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
  }

  async #git(words: readonly string[], input?: Buffer): Promise<string> {
    const env = { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
    const running = command('git', words, { cwd: this.path, env });
    // Where git reads no input nothing may be written, not even no bytes: it may have ended already.
    running.child.stdin?.end(input);
    return (await running).stdout;
  }
}

/** @see git-fast-import(1), "filemodify" */
function fileChange(path: string, content: Content): (string | Buffer)[] {
  if (typeof content === 'object' && 'link' in content)
    return [`M 120000 inline ${path}\n`, ...data(content.link)];
  return [`M 100644 inline ${path}\n`, ...data(content)];
}

/** @see git-fast-import(1), "data" */
function data(content: string | Buffer): (string | Buffer)[] {
  return [`data ${Buffer.byteLength(content)}\n`, content, '\n'];
}

/** A recipe of version 1. */
export function recipeText(...images: string[]): string {
  const lines = images.map((image) => `  - '${image}'\n`);
  const input = lines.length === 0 ? 'input: []\n' : `input:\n${lines.join('')}`;
  return `version: 1\ncvmfs_repo: 'images.unpackd.test'\n${input}`;
}
