import assert from 'node:assert/strict';
import { exitStatusOf } from '../../daemon/output/exit-status.ts';
import type { FailureCode } from '../../core/failure.ts';
import { section, tableRows, textOf } from './project.ts';

const PROBLEMS = 'Problems of a recipe';
const FINDINGS = 'Findings of a check';

describe('docs/errors', () => {
  const text = textOf('docs/errors.md');
  const [failures = '', rest = ''] = text.split(`## ${PROBLEMS}\n`);
  const [problems = '', findings = ''] = rest.split(`## ${FINDINGS}\n`);

  it('has every code of a failure, and no other', () => {
    const documented = tableRows(failures).map(({ key }) => key);
    assert.deepEqual(documented.sort(), codesOf('core/failure.ts', 'FailureCode').sort());
  });

  it('tells the exit status of each', () => {
    for (const { key, cells } of tableRows(failures)) {
      assert.ok(isFailureCode(key), key);
      assert.equal(cells[1], String(exitStatusOf({ code: key })), key);
    }
  });

  it('has every code of a problem, and no other', () => {
    const documented = tableRows(problems).map(({ key }) => key);
    assert.deepEqual(documented.sort(), codesOf('wishlist/recipe/problem.ts', 'ProblemCode').sort());
  });

  it('has every code that only a check has, and no other', () => {
    const documented = tableRows(findings).map(({ key }) => key);
    assert.deepEqual(documented.sort(), codesOf('wishlist/check/finding.ts', 'CheckCode').sort());
  });

  it('has what is no failure of the union', () => {
    const beside = section(text, 'Beside the failures');
    for (const code of ['usage']) assert.ok(beside.includes(`\`error[${code}]\``), code);
  });
});

function isFailureCode(text: string): text is FailureCode {
  return codesOf('core/failure.ts', 'FailureCode').includes(text);
}

/** The members of a union of strings, as the source file has them. */
function codesOf(file: string, union: string): string[] {
  const [, rest = ''] = textOf(file).split(`export type ${union} =`);
  const [members = ''] = rest.split(';');
  const codes = [...members.matchAll(/^\s*\| '([a-z-]+)'/gm)].map((match) => match[1] ?? '');
  assert.ok(codes.length > 5, `${file} has no ${union} as it was`);
  return codes;
}
