import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT } from '../../docs/project.ts';
import { environmentOf, MAIN } from '../../support/e2e/unpackd.ts';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

/** Runs the rest of its arguments where /etc/unpackd has a broken configuration. */
const BROKEN = `
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
mkdir -p /etc/unpackd
echo 'nonsense: [' >/etc/unpackd/unpackd.yaml
shift
exec "$@"
`;

describe('support-tests/e2e/unpackd', () => {
  it('reads no configuration of the machine', async function () {
    needs(this, 'root', 'mounts');
    const folder = await temporaryDirectory('etc');
    const words = [folder, process.execPath, join(PROJECT, 'dist', MAIN), 'config', 'show'];
    const show = (env: NodeJS.ProcessEnv) => {
      const options = { env, encoding: 'utf8' } as const;
      const { status, stderr } = spawnSync(
        'unshare',
        ['--mount', 'sh', '-c', BROKEN, 'sh', ...words],
        options,
      );
      return { status, stderr };
    };
    const own = show(environmentOf({}));
    assert.equal(own.status, 0, own.stderr);
    const { UNPACKD_CONFIG: _, ...others } = environmentOf({});
    const machine = show(others);
    assert.equal(machine.status, 2, machine.stderr);
    assert.match(machine.stderr, /\/etc\/unpackd\/unpackd\.yaml/);
  });
});
