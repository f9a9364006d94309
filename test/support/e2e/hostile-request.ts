import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PROJECT } from '../../docs/project.ts';
import { temporaryDirectory } from '../setup.ts';
import { githubScript, gitlabScript, runScript, type Script } from './workflow.ts';

/** A secret of the runner: in its environment, in a file beside the work tree, and in the work tree's own `.git`. */
export const SECRET = 'glpat-Xb2kQ9secret7';
/** In place of a build. */
const LINKS = `ln -s '${PROJECT}/dist' '${PROJECT}/node_modules' .`;
const USER = ['-c', 'user.name=somebody', '-c', 'user.email=somebody@example.org'];

/** What a request brings along. */
export interface Work {
  /** Where its author works. */
  readonly folder: string;
  /** A program that leaves a mark when it runs. */
  readonly evil: string;
  /** A file of the runner's that holds the secret. */
  readonly secretFile: string;
  readonly baseCommit: string;
  readonly git: (...words: readonly string[]) => string;
  readonly write: (files: Readonly<Record<string, string>>) => Promise<void>;
  readonly link: (target: string, path: string) => Promise<void>;
}

/** How a workflow ended. */
export interface Ending {
  readonly status: number;
  /** Both outputs of all of its steps. */
  readonly log: string;
  /** The comment, as it was posted or would be; `undefined` for none. */
  readonly comment: string | undefined;
  readonly junit: string | undefined;
  /** What ran that should not. */
  readonly ran: string;
}

/** A repository with a recipe, a request to change it, and runners that check the request with the example workflows. */
export class HostileRequest {
  readonly #root: string;
  readonly #isInstalled: boolean;
  readonly work: Work;

  private constructor(root: string, isInstalled: boolean, work: Work) {
    this.#root = root;
    this.#isInstalled = isInstalled;
    this.work = work;
  }

  /**
   * @param recipe that of the base
   * @param isInstalled whether the runner's npm is the real one, and not one that is quick
   */
  static async create(recipe: string, isInstalled = false): Promise<HostileRequest> {
    const root = await temporaryDirectory('hostile');
    const folder = join(root, 'author');
    const evil = join(root, 'evil');
    const secretFile = join(root, 'secret');
    await writeFile(evil, `#!/bin/sh\necho "$0 $*" >>'${root}/ran'\n`, { mode: 0o755 });
    await writeFile(secretFile, `password: ${SECRET}\n`);
    await mkdir(folder);
    const git = gitIn(folder);
    const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), content);
      }
    };
    const link = async (target: string, path: string): Promise<void> => {
      await rm(join(folder, path), { recursive: true, force: true });
      await symlink(target, join(folder, path));
    };
    git('init', '--quiet', '--initial-branch', 'main');
    await write({ 'recipe.yaml': recipe });
    git('add', '.');
    git('commit', '--quiet', '--message', 'base');
    const baseCommit = git('rev-parse', 'HEAD');
    git('checkout', '--quiet', '-b', 'request');
    return new HostileRequest(root, isInstalled, { folder, evil, secretFile, baseCommit, git, write, link });
  }

  /** Commits what the author has made, and merges it into the base as the servers do. */
  submit(): void {
    const { git } = this.work;
    git('add', '--all');
    git('commit', '--quiet', '--message', 'request');
    git('checkout', '--quiet', 'main');
    git('merge', '--quiet', '--no-ff', '--message', 'merge', 'request');
  }

  /** All steps of the workflow for GitHub that are commands. */
  async checkAtGithub(variables: Readonly<Record<string, string>>): Promise<Ending> {
    const workspace = await this.#checkOut('github', 2);
    const temporary = join(this.#root, 'github-temp');
    await mkdir(temporary);
    const environment = { RUNNER_TEMP: temporary, GITHUB_STEP_SUMMARY: join(temporary, 'summary') };
    const got = await this.#run(githubScript('Get unpackd'), workspace, { ...environment, ...variables });
    const { status, log } = await this.#run(githubScript('Check'), workspace, {
      ...environment,
      ...variables,
    });
    const comment = await this.#postAtGithub(join(temporary, 'wishlist-check.md'));
    return this.#ending({ status, log: got.log + log, comment, junit: undefined });
  }

  async checkAtGitlab(variables: Readonly<Record<string, string>>): Promise<Ending> {
    const workspace = await this.#checkOut('gitlab');
    const { status, log } = await this.#run(gitlabScript({ isWhole: true }), workspace, {
      CI_MERGE_REQUEST_DIFF_BASE_SHA: this.work.baseCommit,
      CI_PROJECT_DIR: workspace,
      ...variables,
    });
    const [comment, junit] = ['wishlist-check.md', 'wishlist-check.xml'].map((name) =>
      existsSync(join(workspace, name)) ? readFileSync(join(workspace, name), 'utf8') : undefined,
    );
    return this.#ending({ status, log, comment, junit });
  }

  /** What the step posts with GitHub's program for it; `undefined` where there is nothing to post. */
  async #postAtGithub(report: string): Promise<string | undefined> {
    if (!existsSync(report)) return undefined;
    const folder = join(this.#root, 'comment');
    await mkdir(join(folder, 'bin'), { recursive: true });
    const program = `#!/bin/sh\ncase "$*" in *--paginate*) ;; *) cat wishlist-check.md >posted ;; esac\n`;
    await writeFile(join(folder, 'bin/gh'), program, { mode: 0o755 });
    await writeFile(join(folder, 'wishlist-check.md'), readFileSync(report));
    const { status, log } = await this.#run(githubScript('Comment'), folder, {
      PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      GITHUB_REPOSITORY: 'lab/wishlist',
      NUMBER: '1',
    });
    if (status !== 0) throw new Error(`the comment failed: ${log}`);
    return readFileSync(join(folder, 'posted'), 'utf8');
  }

  async #checkOut(name: string, depth?: number): Promise<string> {
    const workspace = join(this.#root, name);
    const words = depth === undefined ? [] : [`--depth=${depth}`];
    gitIn(this.#root)('clone', '--quiet', ...words, `file://${this.work.folder}`, workspace);
    const url = `https://gitlab-ci-token:${SECRET}@git.example.org/lab/wishlist.git`;
    gitIn(workspace)('config', 'remote.origin.url', url);
    return workspace;
  }

  async #run(
    script: Script,
    folder: string,
    variables: Readonly<Record<string, string>>,
  ): Promise<{ readonly status: number; readonly log: string }> {
    const quick = this.#isInstalled ? {} : { PATH: `${await this.#quickNpm()}:${process.env['PATH'] ?? ''}` };
    const outcome = await runScript(script, folder, {
      LAB_DEPLOYMENT: SECRET,
      ...quick,
      ...(await this.#checker()),
      ...variables,
    });
    return { status: outcome.status, log: outcome.stdout + outcome.stderr };
  }

  async #quickNpm(): Promise<string> {
    const folder = join(this.#root, 'quick');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'npm'), `#!/bin/sh\n[ "$1" != run ] || ${LINKS}\n`, { mode: 0o755 });
    return folder;
  }

  /** A repository of unpackd that needs no network to be installed, and is built by a link to this one. */
  async #checker(): Promise<Record<string, string>> {
    const folder = join(this.#root, 'checker');
    const git = gitIn(folder);
    if (!existsSync(folder)) {
      await mkdir(folder);
      const manifest = { name: 'checker', version: '1.0.0' };
      await writeFile(
        join(folder, 'package.json'),
        JSON.stringify({ ...manifest, scripts: { build: LINKS } }),
      );
      const lock = { ...manifest, lockfileVersion: 3, packages: { '': manifest } };
      await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
      git('init', '--quiet', '--initial-branch', 'main');
      git('add', '.');
      git('commit', '--quiet', '--message', 'unpackd');
    }
    return { CHECKER_REPOSITORY: `file://${folder}`, CHECKER_COMMIT: git('rev-parse', 'HEAD') };
  }

  #ending(ending: Omit<Ending, 'ran'>): Ending {
    const mark = join(this.#root, 'ran');
    return { ...ending, ran: existsSync(mark) ? readFileSync(mark, 'utf8') : '' };
  }
}

function gitIn(folder: string): Work['git'] {
  return (...words) =>
    execFileSync('git', ['-C', folder, ...USER, ...words], { encoding: 'utf8', stdio: 'pipe' }).trim();
}
