import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { layerRoot } from '../../publisher/image/layout.ts';
import { listAttributes } from '../support/cvmfs-server/system.ts';
import { CAPABILITY } from '../support/e2e/images.ts';
import { withMount } from '../support/e2e/mounts.ts';
import { USER } from '../support/e2e/ordinary-user.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { Site } from '../support/e2e/site.ts';
import { image, type Image } from '../support/images/image.ts';
import { device, directory, file, whiteout } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { describeWith } from '../support/programs.ts';

const ID = '/usr/bin/id';
const AGAIN = ['--convert-again', '--overwrite-layers'];

describeWith(['root', 'setpriv', 'id'], 'e2e/privileged', () => {
  let registry: TestRegistry;
  let site: Site;
  let hostile: Image;
  let wish: string;

  before(async () => {
    registry = await TestRegistry.start();
    hostile = image({
      layers: [
        await layer([
          directory('bin', { mode: 0o2755 }),
          file('bin/id', readFileSync(ID), { mode: 0o4755 }),
          file('bin/group', 'x', { mode: 0o2755, gid: 42 }),
          file('bin/ping', 'x', { mode: 0o755, xattrs: { 'security.capability': CAPABILITY } }),
          device('bin/mem', 'character-device', [1, 1], { mode: 0o666 }),
          file('gone', 'x'),
        ]),
        await layer([whiteout('gone')]),
      ],
    });
    wish = registry.add('lab/hostile', '1', hostile);
  });
  after(async () => {
    await registry.close();
  });
  beforeEach(async () => {
    site = await Site.make('directory');
    mkdirSync(site.root);
    open();
  });
  afterEach(async () => {
    await site.close();
  });

  /** Lets everybody go where images are published. */
  function open(mode = 0o755): void {
    chmodSync(site.folder, mode);
    chmodSync(site.root, 0o755);
  }

  const flat = (): string => `${registry.host}/lab/hostile:1`;

  /** As whom an attacker runs who starts the image's program. */
  function attack(): string {
    const program = join(site.path(flat()), 'bin/id');
    const user = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
    // setpriv itself is still let in everywhere.
    return spawnSync('setpriv', [...user, 'sh', '-c', '"$0" -u', program], {
      encoding: 'utf8',
    }).stdout.trim();
  }

  /** Modes of the programs, their attributes, and whether there is the device: in the layer and the flat tree. */
  function rights(): string[] {
    const [lower] = hostile.layers;
    assert.ok(lower !== undefined);
    return [layerRoot(lower.digest), flat()].map((path) => {
      const at = (name: string): string => join(site.path(path), 'bin', name);
      const modes = ['', 'id', 'group'].map((name) => (statSync(at(name)).mode & 0o7777).toString(8));
      const hasDevice = statSync(at('mem'), { throwIfNoEntry: false })?.isCharacterDevice() === true;
      return [...modes, ...listAttributes(Buffer.from(at('ping'))), hasDevice ? 'device' : ''].join(' ');
    });
  }

  const NONE = ['2755 755 755 ', '2755 755 755 '];
  const ALL = ['2755 4755 2755 security.capability device', '2755 4755 2755 security.capability device'];

  it('is left out where everybody can go, with a warning, and deletions stay', async () => {
    const { status, stderr } = await site.convert([wish]);
    assert.equal(status, 0, stderr);
    assert.deepEqual(rights(), NONE);
    assert.equal(attack(), String(USER));
    assert.match(
      stderr,
      /^warning: \S+hostile:1: what gives rights on this machine is left out of 4 paths.*\(bin\/\S+: [^)]*, and 1 more\)$/m,
    );
    const upper = hostile.layers[1];
    assert.ok(upper !== undefined && statSync(join(site.path(layerRoot(upper.digest)), 'gone')).rdev === 0);
  });

  it('refuses the image where that is the policy', async () => {
    const { status, stderr } = await site.convert([wish], ['--on-loss', 'refuse']);
    assert.equal(status, 1);
    assert.match(stderr, /^error\[image-incomplete\] \S+hostile:1: what gives rights/m);
  });

  it('is published where that is allowed, also of what is there without it', async () => {
    await site.convert([wish]);
    const unchanged = await site.convert([wish], ['--allow-privileged']);
    assert.deepEqual([unchanged.status, rights()], [0, NONE]);
    const { status, stderr } = await site.convert([wish], ['--allow-privileged', ...AGAIN]);
    assert.equal(status, 0, stderr);
    assert.deepEqual(rights(), ALL);
    assert.equal(attack(), '0');
    assert.doesNotMatch(stderr, /gives rights/);
    await site.convert([wish], AGAIN);
    assert.deepEqual(rights(), NONE);
  });

  it('is published below a directory that keeps others out', async () => {
    open(0o750);
    const { stderr } = await site.convert([wish]);
    assert.doesNotMatch(stderr, /gives rights/);
    assert.deepEqual(rights(), ALL);
    assert.equal(attack(), '');
  });

  it('is published where the mount takes its effect, each for itself', async function () {
    const options = async (words: string): Promise<void> => {
      await withMount(this, site.root, { type: 'tmpfs', options: words }, async () => {
        await site.convert([wish]);
        if (words === 'nosuid,nodev') {
          assert.deepEqual(rights(), ALL);
          assert.equal(attack(), String(USER));
        } else assert.deepEqual(rights(), words === 'nosuid' ? WITHOUT_DEVICE : ONLY_DEVICE);
      });
    };
    for (const words of ['nosuid,nodev', 'nosuid', 'nodev']) await options(words);
  });

  const WITHOUT_DEVICE = ALL.map((line) => line.replace('device', ''));
  const ONLY_DEVICE = NONE.map((line) => `${line}device`);
});
