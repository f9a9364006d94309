import assert from 'node:assert/strict';
import { BENCH_OPTION_NAMES } from '../bench/options.ts';
import { EXIT_STATUS_HELP } from '../../daemon/output/exit-status.ts';
import { fieldName } from '../../daemon/systemd/journal.ts';
import { argumentOf, OPTIONS, variableOf, type Option } from '../../daemon/configuration/options.ts';
import { GENERATED, shownDefault, withGenerated } from './option-docs.ts';
import { documents, section, tableRows, textOf } from './project.ts';

const TABLE: readonly Option[] = Object.values(OPTIONS);

/** Flags that are no options of the table: the command line's own. */
const OTHERS = ['help', 'version'];

/** What records of the log are about: fields of the journal, which look like variables. */
const FIELDS = ['image', 'repository', 'publication', 'code', 'source', 'commit', 'layer'].map(fieldName);

describe('docs/options: the table of options in docs/operators.md', () => {
  const rows = tableRows(section(textOf('docs/operators.md'), 'Configuration'));

  it('has every option, and no other', () => {
    assert.deepEqual(
      rows.map(({ key }) => key),
      TABLE.map(({ key }) => key),
    );
  });

  for (const option of TABLE) {
    it(`tells the default of ${option.key}`, () => {
      assert.equal(rows.find(({ key }) => key === option.key)?.cells[1], shownDefault(option));
    });
  }
});

describe('docs/options: what is generated', () => {
  for (const [path, part] of Object.entries(GENERATED)) {
    it(`is what the options say, in ${path}; otherwise: npm run docs`, () => {
      assert.equal(textOf(path), withGenerated(textOf(path), part()));
    });
  }
});

describe('docs/options: the documents', () => {
  const known = new Set([
    ...OTHERS,
    ...TABLE.flatMap((option) => [
      option.key,
      ...(argumentOf(option) === undefined ? [`no-${option.key}`] : []),
    ]),
  ]);
  const variables = new Set([...TABLE.map(({ key }) => variableOf(key)), ...FIELDS]);

  // CONTRIBUTING.md has flags of git and npm.
  for (const document of documents().filter((path) => path !== 'CONTRIBUTING.md')) {
    it(`name only options and variables that exist, in ${document}`, () => {
      const text = textOf(document);
      const ofBench = new Set(document === 'docs/performance.md' ? BENCH_OPTION_NAMES : []);
      const flags = [...text.matchAll(/(?<![\w-])--([a-z]+(?:-[a-z]+)*)/g)].map((match) => match[1] ?? '');
      assert.deepEqual(
        [...new Set(flags)].filter((flag) => !known.has(flag) && !ofBench.has(flag)),
        [],
      );
      const named = [...text.matchAll(/\bUNPACKD_[A-Z_]+/g)].map((match) => match[0]);
      assert.deepEqual(
        [...new Set(named)].filter((name) => !variables.has(name)),
        [],
      );
    });
  }

  it('have all exit statuses, in README.md', () => {
    const statuses = [...section(textOf('README.md'), 'Results').matchAll(/^\| (\d+) /gm)];
    assert.deepEqual(
      statuses.map((match) => Number(match[1])),
      EXIT_STATUS_HELP.map(([status]) => status),
    );
  });
});
