import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { z } from 'zod';
import { PROJECT, textOf } from '../../docs/project.ts';
import { temporaryDirectory } from '../setup.ts';

const variables = z.record(z.string(), z.union([z.string(), z.number()]).transform(String));

/** What tests use of a workflow for GitHub. */
const GithubWorkflow = z.object({
  on: z.object({ pull_request: z.object({ paths: z.array(z.string()) }) }).strict(),
  env: variables,
  permissions: z.object({}).strict(),
  jobs: z.record(
    z.string(),
    z.object({
      permissions: z.record(z.string(), z.string()),
      if: z.string().optional(),
      steps: z.array(z.object({ name: z.string().optional(), run: z.string().optional() })),
    }),
  ),
});

/** What tests use of a job for GitLab. */
const GitlabJobs = z.object({
  'wishlist-check': z.object({
    variables,
    before_script: z.array(z.string()),
    script: z.array(z.string()),
    artifacts: z.object({ reports: z.object({ junit: z.string() }), paths: z.array(z.string()) }),
  }),
});

export function githubWorkflow(): z.infer<typeof GithubWorkflow> {
  return GithubWorkflow.parse(load(textOf('examples/github/wishlist-check.yml')));
}

export function gitlabJob(): z.infer<typeof GitlabJobs>['wishlist-check'] {
  return GitlabJobs.parse(load(textOf('examples/gitlab/wishlist-check.yml')))['wishlist-check'];
}

/** Commands of an example, and the variables that it sets for them. */
export interface Script {
  readonly text: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** The step of that name in GitHub's workflow. */
export function githubScript(name: string): Script {
  const { env, jobs } = githubWorkflow();
  const step = Object.values(jobs)
    .flatMap(({ steps }) => steps)
    .find((one) => one.name === name);
  if (step?.run === undefined) throw new Error(`no step ${name} runs commands`);
  return { text: step.run, variables: env };
}

/** What the job runs in the end, or with what comes before it. */
export function gitlabScript({ isWhole = false } = {}): Script {
  const { before_script: before, script, variables: own } = gitlabJob();
  return { text: [...(isWhole ? before : []), ...script].join('\n'), variables: own };
}

/** A folder for temporary files of a workflow, in which this project stands as `unpackd`, built. */
export async function runnerFolder(): Promise<string> {
  const folder = await temporaryDirectory('runner');
  await symlink(PROJECT, join(folder, 'unpackd'));
  return folder;
}

/** Runs commands as runners do; `environment` goes over the script's own variables. */
export async function runScript(
  { text, variables: own }: Script,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  const env = { ...process.env, ...own, ...environment };
  const running = promisify(execFile)('bash', ['-e', '-o', 'pipefail', '-c', text], { cwd: folder, env });
  try {
    return { status: 0, ...(await running) };
  } catch (error) {
    return z
      .object({ code: z.number(), stdout: z.string(), stderr: z.string() })
      .transform(({ code, ...output }) => ({ status: code, ...output }))
      .parse(error);
  }
}
