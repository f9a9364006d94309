import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '../support/programs.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { helpText, parseOptions } from './options.ts';
import { runBench } from './run.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';

const TINY = ['--backend', 'directory', '--scale', '0.001', '--runs', '1'];

describe('bench/run', () => {
  it('measures both nights, and unpackd first', async () => {
    const folder = await temporaryDirectory('bench');
    const said: string[] = [];
    const options = parseOptions([...TINY, '--scenario', 'nightly', '--folder', folder]);
    const { rows, hasFailed } = await runBench(options, (line) => void said.push(line));
    assert.equal(hasFailed, false, said.join('\n'));
    const ours = rows.filter(({ program }) => program === 'unpackd');
    assert.deepEqual(
      ours.map(({ job, runs }) => [job, runs.map(({ transactions }) => transactions)]),
      [
        ['directory: first night', [1]],
        ['directory: second night', [1]],
      ],
    );
    assert.ok(ours.every(({ runs: [run] }) => (run?.processorSeconds ?? 0) > 0));
    assert.equal(rows[0], ours[0]);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('measures a daemon that is woken, and writes profiles of it', async () => {
    const folder = await temporaryDirectory('bench');
    const profile = join(folder, 'profile');
    const options = parseOptions([...TINY, 'small-layer', '--folder', folder, '--profile', profile]);
    const { rows, omissions, hasFailed } = await runBench(options, () => undefined);
    assert.equal(hasFailed, false, JSON.stringify(omissions));
    assert.deepEqual(
      rows.slice(0, 1).map(({ job, program }) => [job, program]),
      [['directory: one small layer', 'unpackd daemon']],
    );
    const profiles = readdirSync(join(profile, 'small-layer', 'directory'));
    assert.ok(profiles.some((name) => name.endsWith('.cpuprofile')));
  });

  it('compares with podman', async function () {
    needs(this, 'podman', 'root');
    const folder = await temporaryDirectory('bench');
    const options = parseOptions([...TINY, 'cold', '--folder', folder]);
    const { rows } = await runBench(options, () => undefined);
    assert.ok(rows.some(({ job, program }) => job === 'directory: cold' && program === 'podman pull'));
  });

  it('goes on after a scenario that fails, and says so', async () => {
    const folder = await temporaryDirectory('bench');
    const words = [
      ...TINY,
      'cold',
      'many-layers',
      '--folder',
      folder,
      '--cold',
      'http://127.0.0.1:1/no/such:1',
    ];
    const { rows, omissions, hasFailed } = await runBench(parseOptions(words), () => undefined);
    assert.equal(hasFailed, true);
    assert.ok(omissions.some(({ what }) => what === 'cold'));
    assert.ok(rows.some(({ job }) => job === 'directory: many layers'));
  });
});

describe('bench/run: options', () => {
  it('names every scenario in its help', () => {
    for (const { name } of SCENARIOS) assert.match(helpText(), new RegExp(`^  ${name} `, 'm'));
  });

  it('takes names of scenarios with and without the flag', () => {
    assert.deepEqual(parseOptions(['--scenario', 'nightly', 'cold']).scenarios, ['cold', 'nightly']);
    assert.equal(parseOptions([]).scenarios.length, SCENARIOS.length);
  });

  const WRONG: readonly (readonly string[])[] = [
    ['--scenario', 'warm'],
    ['--backend', 'zfs'],
    ['--runs', '0'],
    ['--scale', 'x'],
    ['--night', 'http://x.test/a:1'],
    ['--unknown'],
  ];
  for (const words of WRONG)
    it(`refuses ${words.join(' ')}`, () => assert.throws(() => parseOptions(words), Error));
});
