import assert from 'node:assert/strict';
import {
  formatMarkdown,
  MARKER,
  code,
  inProse,
  inTable,
} from '../../../../daemon/checking/formats/markdown.ts';
import { finding, measured, reportOf, wish } from '../report-of.ts';

/** What is left of a text when its code spans are taken away, as a reader of Markdown does. */
function outsideOfCode(text: string): string {
  let rest = text;
  let outside = '';
  for (let match = /`+/.exec(rest); match !== null; match = /`+/.exec(rest)) {
    const [fence] = match;
    const inner = rest.slice(match.index + fence.length);
    const end = new RegExp(`(?<!\`)${fence}(?!\`)`).exec(inner);
    if (end === null) break;
    outside += rest.slice(0, match.index);
    rest = inner.slice(end.index + fence.length);
  }
  return outside + rest;
}

const ATTACKS = [
  '@everybody',
  '<script>alert(1)</script>',
  '<!-- -->',
  '[text](https://example.org)',
  '![image](https://example.org/x.png)',
  '`code` `` more `',
  '```',
  '`',
  '**bold** _it_ ~~gone~~',
  '#1 org/repo#2 !3 ~label',
  'https://example.org www.example.org a@example.org',
  '| cell | cell |',
  '\\| \\` \\',
  '&lt;b&gt;',
  '\n\n# heading\n\n/close\n- [ ] task',
  ':tada: $x$',
];

describe('daemon/checking/formats/markdown: text in Markdown', () => {
  for (const attack of ATTACKS) {
    it(`does nothing: ${JSON.stringify(attack)}`, () => {
      for (const text of [
        code(attack),
        inTable(attack),
        inProse(attack),
        inProse(`"${attack}" is ${attack}; so`),
      ]) {
        assert.match(outsideOfCode(text), /^[A-Za-z0-9 ().,;:?'-]*$/, text);
        assert.doesNotMatch(text, /\n/);
      }
      assert.doesNotMatch(inTable(attack), /\||\\/);
    });
  }

  it('stays as it is where it is plain', () => {
    const sentence = "the registry's answer (404) was no answer … try again, or don't.";
    assert.equal(inProse(sentence), sentence);
  });

  it('has names in code spans, without the marks around them', () => {
    assert.equal(
      inProse('"quay.io/lab/tool:1" has no tag v1.7.1: quay.io answered 404'),
      '`quay.io/lab/tool:1` has no tag `v1.7.1`: `quay.io` answered 404',
    );
  });

  it('needs no span for nothing', () => assert.equal(code(''), ''));
});

describe('daemon/checking/formats/markdown: the format markdown', () => {
  it('begins with the marker, and says the verdict', () => {
    const cases = [
      [[], 'fine'],
      [[finding({ severity: 'note' })], 'fine'],
      [[finding({ severity: 'warning' })], 'no errors, 1 warning'],
      [[finding(), finding()], '2 errors to correct'],
    ] as const;
    for (const [findings, verdict] of cases) {
      const [marker, , heading] = formatMarkdown(reportOf(findings)).split('\n');
      assert.deepEqual([marker, heading], [MARKER, `### Wishlist check: ${verdict}`]);
    }
  });

  it('has a row for each line that was looked at', () => {
    const pattern = wish({
      tags: ['1', '2'],
      images: [measured('quay.io/a:1', 1000), measured('quay.io/a:2', 500)],
    });
    const rows = formatMarkdown(reportOf([], [wish(), pattern]))
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    assert.deepEqual(rows, [
      '| `quay.io/lab/tool:1` | `2: 1, 2` | `linux/amd64` | 2 | 1.5 kB | unknown | unknown |',
    ]);
  });

  it('puts errors first, and what is not of the change away', () => {
    const text = formatMarkdown(
      reportOf([
        finding({ severity: 'note' }),
        finding(),
        finding({ severity: 'note', isNew: false, line: 99 }),
      ]),
    );
    const [shown = '', hidden = ''] = text.split('<details>');
    assert.ok(shown.indexOf('**error**') < shown.indexOf('**note**'));
    assert.ok(!shown.includes('recipe.yaml:99') && hidden.includes('recipe.yaml:99'));
  });

  it('fits into a comment however much is found', () => {
    const long = Array.from({ length: 3000 }, () =>
      finding({ message: 'x y '.repeat(75), hint: 'z '.repeat(150) }),
    );
    const others = long.map((one) => Object.assign({}, one, { isNew: false }));
    const wishes = Array.from({ length: 3000 }, () =>
      wish({ text: 'q.io/'.padEnd(400, 'a'), images: [measured('i', 1)] }),
    );
    assert.ok(formatMarkdown(reportOf([...long, ...others], wishes)).length < 65_536);
  });
});
