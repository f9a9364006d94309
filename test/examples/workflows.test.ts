import assert from 'node:assert/strict';
import { OPTIONS, variableOf, type Option } from '../../daemon/configuration/options.ts';
import { MARKER } from '../../daemon/checking/formats/markdown.ts';
import { githubScript, githubWorkflow, gitlabJob, gitlabScript } from '../support/e2e/workflow.ts';
import { textOf } from '../docs/project.ts';

const FLAGS = new Set(Object.values<Option>(OPTIONS).map(({ key }) => `--${key}`));

describe('examples/workflows: the workflow for GitHub', () => {
  const { jobs, permissions } = githubWorkflow();

  it('may do no more than it needs', () => {
    assert.deepEqual(permissions, {});
    assert.deepEqual(
      Object.entries(jobs).map(([name, job]) => [name, job.permissions]),
      [
        ['check', { contents: 'read' }],
        ['comment', { 'pull-requests': 'write' }],
      ],
    );
    assert.match(jobs['comment']?.if ?? '', /head\.repo\.full_name == github\.repository/);
  });

  it('names no secret, and puts nothing of the request into commands', () => {
    assert.doesNotMatch(
      textOf('examples/github/wishlist-check.yml'),
      /\bsecrets\.[A-Za-z_]|pull_request_target/,
    );
    for (const { steps } of Object.values(jobs))
      for (const { run } of steps) assert.doesNotMatch(run ?? '', /\$\{\{/);
  });

  it('finds its earlier comment by the marker, which is the first line', () => {
    const { text } = githubScript('Comment');
    assert.ok(text.includes(`marker='${MARKER}'\n`));
    assert.match(text, /head -n 1 wishlist-check\.md/);
    assert.ok(!MARKER.includes('\n'));
  });
});

describe('examples/workflows: the job for GitLab', () => {
  it('keeps what it reports', () => {
    const { artifacts } = gitlabJob();
    const [, reports = ''] = /--report (\S+)/.exec(gitlabScript().text) ?? [];
    assert.deepEqual(new Set(reports.split(',')), new Set([artifacts.reports.junit, ...artifacts.paths]));
  });
});

describe('examples/workflows: the workflows', () => {
  it('ask no private address', () => {
    for (const { variables } of [githubScript('Check'), gitlabScript()])
      assert.equal(variables[variableOf(OPTIONS.publicOnly.key)], 'true');
  });

  it('use only options that exist', () => {
    for (const { text } of [githubScript('Check'), gitlabScript()]) {
      const used = [...text.matchAll(/(?<=\s)--[a-z-]+/g)].map(([flag]) => flag);
      assert.ok(used.length >= 5);
      assert.deepEqual(
        used.filter((flag) => !FLAGS.has(flag)),
        [],
      );
    }
  });
});
