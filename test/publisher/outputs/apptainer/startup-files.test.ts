import assert from 'node:assert/strict';
import { dirname, normalize } from 'node:path/posix';
import { mountPoints, startupFiles } from '../../../../publisher/outputs/apptainer/startup-files.ts';
import { startupConfig } from './startup-root.ts';

describe('publisher/outputs/apptainer/startup-files: start-up files of apptainer', () => {
  const entries = startupFiles(startupConfig());

  it('are the scripts, the labels and the links that apptainer looks for', () => {
    const table = entries.map((entry) =>
      [
        entry.type,
        entry.mode.toString(8),
        entry.path,
        ...(entry.type === 'symlink' ? [entry.target] : []),
      ].join(' '),
    );
    assert.deepEqual(table, [
      'directory 755 .singularity.d',
      'directory 755 .singularity.d/actions',
      'file 755 .singularity.d/actions/exec',
      'file 755 .singularity.d/actions/run',
      'file 755 .singularity.d/actions/shell',
      'file 755 .singularity.d/actions/start',
      'file 755 .singularity.d/actions/test',
      'directory 755 .singularity.d/env',
      'file 755 .singularity.d/env/10-docker2singularity.sh',
      'file 755 .singularity.d/env/90-environment.sh',
      'file 755 .singularity.d/env/99-base.sh',
      'file 755 .singularity.d/env/99-runtimevars.sh',
      'file 644 .singularity.d/labels.json',
      'directory 755 .singularity.d/libs',
      'file 755 .singularity.d/runscript',
      'file 755 .singularity.d/startscript',
      'symlink 777 .exec .singularity.d/actions/exec',
      'symlink 777 .run .singularity.d/actions/run',
      'symlink 777 .shell .singularity.d/actions/shell',
      'symlink 777 .test .singularity.d/actions/test',
      'symlink 777 environment .singularity.d/env/90-environment.sh',
      'symlink 777 singularity .singularity.d/runscript',
    ]);
  });

  it('come after the directories that hold them, and links point to files among them', () => {
    const seen = new Set(['.']);
    for (const entry of entries) {
      assert.ok(seen.has(dirname(entry.path)), entry.path);
      assert.equal(normalize(entry.path), entry.path);
      if (entry.type === 'symlink') assert.ok(seen.has(entry.target), entry.target);
      seen.add(entry.path);
    }
  });

  it('are the same bytes for the same config, in whatever order its labels are', () => {
    const config = { entrypoint: ['a'], cmd: ['b'], env: ['A=1', 'B=2'], workingDirectory: '/w' };
    assert.deepEqual(
      startupFiles(startupConfig({ ...config, labels: { x: '1', y: '2' } })),
      startupFiles(startupConfig({ ...config, labels: { y: '2', x: '1' } })),
    );
  });
});

describe('publisher/outputs/apptainer/startup-files: labels.json', () => {
  const cases: [name: string, labels: Record<string, string>, json: string][] = [
    ['no labels', {}, '{}\n'],
    [
      'sorted by code unit',
      { b: '2', B: '1', '10': 'x', '9': 'y' },
      '{\n  "10": "x",\n  "9": "y",\n  "B": "1",\n  "b": "2"\n}\n',
    ],
    ['quotes and backslashes', { 'a"': '\\' }, '{\n  "a\\"": "\\\\"\n}\n'],
    [
      'control characters',
      { a: '\u0000\u001b\n\u007f\u009b' },
      '{\n  "a": "\\u0000\\u001b\\n\\u007f\\u009b"\n}\n',
    ],
    ['line separators', { a: '\u2028\u2029' }, '{\n  "a": "\\u2028\\u2029"\n}\n'],
    [
      'no name of an object is special',
      Object.fromEntries([['__proto__', 'x']]),
      '{\n  "__proto__": "x"\n}\n',
    ],
  ];
  for (const [name, labels, json] of cases) {
    it(name, () => {
      assert.equal(labelsFile(labels), json);
    });
  }
});

describe('publisher/outputs/apptainer/startup-files: mount points', () => {
  it('have the modes that programs expect there', () => {
    assert.deepEqual(
      mountPoints.map(({ type, mode, path }) => `${type} ${mode.toString(8)} ${path}`),
      [
        'directory 755 dev',
        'directory 755 etc',
        'file 644 etc/hosts',
        'file 644 etc/resolv.conf',
        'directory 755 home',
        'directory 555 proc',
        'directory 700 root',
        'directory 555 sys',
        'directory 1777 tmp',
        'directory 755 var',
        'directory 1777 var/tmp',
      ],
    );
  });
});

function labelsFile(labels: Record<string, string>): string | undefined {
  const file = startupFiles(startupConfig({ labels })).find(
    (entry) => entry.path === '.singularity.d/labels.json',
  );
  return file?.type === 'file' ? file.content : undefined;
}
