import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  parseConfiguration,
  readConfigurationFile,
} from '../../../daemon/configuration/configuration-file.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('daemon/configuration/configuration-file', () => {
  const valid: readonly (readonly [
    what: string,
    source: string,
    entries: readonly (readonly [key: string, line: number, text: string | undefined])[],
  ])[] = [
    ['nothing', '', []],
    ['comments alone', '# a\n\n# b\n', []],
    ['an empty document', '---\n', []],
    ['the word null', '~\n', []],
    [
      'values of any kind, as they are written',
      'a: 010\nb: 1e3\nc: yes\n',
      [
        ['a', 1, '010'],
        ['b', 2, '1e3'],
        ['c', 3, 'yes'],
      ],
    ],
    [
      'quotes',
      '# first\n"a": \'x y\'\nb: "\\t"\n',
      [
        ['a', 2, 'x y'],
        ['b', 3, '\t'],
      ],
    ],
    [
      'no value',
      'a:\nb: ~\nc: null\nd: ""\n',
      [
        ['a', 1, undefined],
        ['b', 2, undefined],
        ['c', 3, undefined],
        ['d', 4, ''],
      ],
    ],
    [
      'lists and mappings',
      'a: [1, [2]]\nb:\n  c: {d: 1}\ne: 1\n',
      [
        ['a', 1, undefined],
        ['b', 2, undefined],
        ['e', 4, '1'],
      ],
    ],
    [
      'an alias',
      'a: &x 1\nb: *x\n',
      [
        ['a', 1, '1'],
        ['b', 2, undefined],
      ],
    ],
    [
      'Windows line ends',
      'a: 1\r\nb: 2\r\n',
      [
        ['a', 1, '1'],
        ['b', 2, '2'],
      ],
    ],
  ];
  for (const [what, source, entries] of valid) {
    it(`reads ${what}`, () => {
      const content = parseConfiguration(source, 'f');
      assert.deepEqual(content.problems, []);
      assert.deepEqual(
        content.entries.map(({ key, line, value }) => [
          key,
          line,
          value.kind === 'text' ? value.text : undefined,
        ]),
        entries,
      );
    });
  }

  it('reads lists and mappings as deep as they go, each value with its line', () => {
    const { entries, problems } = parseConfiguration(
      'a:\n  b: [1,\n    ~]\n  "c d":\n    e:\n  f: *x\n',
      'f',
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(entries, [
      {
        key: 'a',
        line: 1,
        value: {
          kind: 'mapping',
          line: 2,
          entries: [
            {
              key: 'b',
              line: 2,
              value: {
                kind: 'list',
                line: 2,
                items: [
                  { kind: 'text', line: 2, text: '1' },
                  { kind: 'nothing', line: 3 },
                ],
              },
            },
            {
              key: 'c d',
              line: 4,
              value: {
                kind: 'mapping',
                line: 5,
                entries: [{ key: 'e', line: 5, value: { kind: 'nothing', line: 5 } }],
              },
            },
            { key: 'f', line: 6, value: { kind: 'alias', line: 6 } },
          ],
        },
      },
    ]);
  });

  const invalid: readonly (readonly [what: string, source: string, place: RegExp])[] = [
    ['a list', '- a\n', /^f: /],
    ['a text', 'a\n', /^f: /],
    ['a key set twice', 'a: 1\nb: 2\na: 3\n', /^f:3: a .* line 1;/],
    ['a deeper key set twice', 'a:\n  b:\n    c: 1\n    c: 2\n', /^f:4: a: b: c .* line 3;/],
    ['a deeper list as key', 'a:\n  ? [b]\n  : 1\n', /^f:2: a: /],
    ['an open bracket', 'a: 1\nb: [\n', /^f:3: /],
    ['a tab as indentation', 'a:\n\tb: 1\n', /^f:2: /],
    ['a list as key', 'a: 1\n? [b]\n: 1\n', /^f:\d: /],
    ['a second document', 'a: 1\n---\nb: 1\n', /^f: /],
    ['a control character', 'a: \u0001\n', /^f:1: /],
  ];
  for (const [what, source, place] of invalid) {
    it(`refuses ${what}`, () => {
      const { problems } = parseConfiguration(source, 'f');
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', place);
    });
  }

  it('is undefined where there is none', async () => {
    const folder = await temporaryDirectory();
    assert.equal(readConfigurationFile(join(folder, 'none.yaml')), undefined);
  });

  it('is a problem where it is a directory', async () => {
    const folder = await temporaryDirectory();
    assert.match(readConfigurationFile(folder)?.problems[0] ?? '', /EISDIR/);
  });
});
