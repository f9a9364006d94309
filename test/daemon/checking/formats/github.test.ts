import assert from 'node:assert/strict';
import { formatGithub } from '../../../../daemon/checking/formats/github.ts';
import { finding, reportOf } from '../report-of.ts';

function commands(...findings: Parameters<typeof reportOf>[0]): string[] {
  return formatGithub(reportOf(findings))
    .split('\n')
    .filter((line) => line.startsWith('::'));
}

describe('daemon/checking/formats/github', () => {
  it('is one command a finding, whose end is its last column', () => {
    assert.deepEqual(commands(finding()), [
      '::error file=recipe.yaml,line=4,col=6,endColumn=23,title=tag-unknown::the image quay.io/lab/tool has no tag 1%0Adid you mean quay.io/lab/tool:1.0?',
    ]);
  });

  it('leaves out what is not known', () => {
    const bare = finding({
      severity: 'warning',
      column: undefined,
      endColumn: undefined,
      hint: undefined,
      message: 'm',
    });
    assert.deepEqual(commands(bare), ['::warning file=recipe.yaml,line=4,title=tag-unknown::m']);
  });

  it('calls a note a notice', () => {
    assert.match(commands(finding({ severity: 'note' })).join(), /^::notice /);
  });

  it('has nothing for lines that are not new', () => {
    assert.deepEqual(commands(finding({ isNew: false, severity: 'note' })), []);
  });

  it('cannot be ended or begun by what a recipe says', () => {
    const [line = '', ...others] = commands(
      finding({
        file: 'a,line=9:b::100%.yaml',
        message: '50%0A\r\n::error::x',
        hint: '\n::set-env name=A::b',
      }),
    );
    assert.deepEqual(others, []);
    assert.ok(line.startsWith('::error file=a%2Cline=9%3Ab%3A%3A100%25.yaml,line=4,'), line);
    assert.ok(line.endsWith('::50%250A ::error::x%0A::set-env name=A::b'), line);
  });

  it('names files from the folder of the repository', () => {
    assert.match(commands(finding({ file: './lists/../recipe.yaml' })).join(), /file=recipe\.yaml,/);
  });

  it('says where GitHub shows only some', () => {
    const many = Array.from({ length: 11 }, () => finding());
    assert.equal(
      formatGithub(reportOf(many)).split('\n').length,
      formatGithub(reportOf(many.slice(1))).split('\n').length + 2,
    );
  });
});
