import assert from 'node:assert/strict';
import { chainIds, chainPath, flatPath, layerRoot } from '../../../publisher/image/layout.ts';
import { directory, file, hardLink, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import type { Composed } from './workshop.ts';
import { Workshop } from './workshop.ts';

/** cap_net_raw+ep, as `setcap` writes it. */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const OPAQUE = { 'trusted.overlay.opaque': 'y', 'user.overlay.opaque': 'y' };

describe('publisher/compose/xattrs', () => {
  let workshop: Workshop;
  beforeEach(async () => {
    workshop = await Workshop.open();
  });

  /** Extended attributes in the publication of one image: by path below `root`. */
  function below({ stream }: Composed, root: string): Record<string, Record<string, string>> {
    return Object.fromEntries(
      stream.xattrs
        .filter(({ path }) => path === root || path.startsWith(`${root}/`))
        .map(({ path, values }) => [path.slice(root.length + 1), Object.fromEntries(values)]),
    );
  }

  it('are those of files and directories, in layers, chains and the flat tree', async () => {
    const layer = await workshop.layer(
      directory('./', { xattrs: { 'user.root': 'r' } }),
      directory('d', { xattrs: { 'user.d': Buffer.from([0, 0xff]) } }),
      file('d/ping', 'x', { xattrs: { 'security.capability': CAPABILITY, 'user.f': '' } }),
      hardLink('d/link', 'd/ping'),
      file('plain', 'x'),
    );
    const image = await workshop.image('reg.example/app:1', [layer]);
    const composed = await workshop.publish([image]);
    const capability = { 'security.capability': CAPABILITY.toString('latin1') };
    const expected = {
      '': { 'user.root': 'r' },
      d: { 'user.d': '\0\xff' },
      'd/ping': { ...capability, 'user.f': '' },
      'd/link': { ...capability, 'user.f': '' },
    };
    assert.deepEqual(below(composed, layerRoot(layer.digest)), expected);
    assert.deepEqual(below(composed, chainPath(chainIds([layer.digest])[0] ?? layer.digest)), expected);
    assert.deepEqual(below(composed, flatPath(image.manifest.config.digest)), expected);
  });

  it('follow a hard link to a lower layer', async () => {
    const base = await workshop.layer(file('ping', 'x', { xattrs: { 'security.capability': CAPABILITY } }));
    const linking = await workshop.layer(hardLink('d/link', 'ping'));
    const image = await workshop.image('reg.example/app:1', [base, linking]);
    const composed = await workshop.publish([image]);
    const value = { 'security.capability': CAPABILITY.toString('latin1') };
    const flat = flatPath(image.manifest.config.digest);
    assert.deepEqual(below(composed, flat), { 'd/link': value, ping: value });
    assert.deepEqual(below(composed, layerRoot(linking.digest)), {});
  });

  it('mark what is opaque for both readers, in layers alone', async () => {
    const base = await workshop.layer(directory('d'), file('d/a', 'x'), directory('e'), file('e/a', 'x'));
    const layer = await workshop.layer(
      opaque('d'),
      whiteout('e'),
      directory('e', { xattrs: { 'user.e': '1' } }),
    );
    const root = await workshop.layer(opaque(''));
    const image = await workshop.image('reg.example/app:1', [base, layer, root]);
    const composed = await workshop.publish([image]);
    assert.deepEqual(below(composed, layerRoot(layer.digest)), {
      d: OPAQUE,
      e: { 'user.e': '1', ...OPAQUE },
    });
    assert.deepEqual(below(composed, layerRoot(root.digest)), { '': OPAQUE });
    const [, chain] = chainIds([base.digest, layer.digest]);
    assert.deepEqual(below(composed, chainPath(chain ?? base.digest)), { e: { 'user.e': '1' } });
    assert.deepEqual(below(composed, flatPath(image.manifest.config.digest)), {});
  });

  it('come with each tree that is brought, and no other', async () => {
    const layer = await workshop.layer(file('f', 'x', { xattrs: { 'user.x': '1' } }));
    const image = await workshop.image('reg.example/app:1', [layer]);
    const first = await workshop.publish([image]);
    assert.equal(first.stream.xattrs.length, 3);
    const second = await workshop.publish([{ ...image, publicName: 'reg.example/app:2' }]);
    assert.deepEqual(second.stream.xattrs, []);
    const again = await workshop.publish([image], { convertAgain: true });
    assert.equal(again.stream.xattrs.length, 2);
  });

  describe('leave out', () => {
    const xattrs: [name: string, value: string | Buffer][] = [
      ['trusted.overlay.opaque', 'y'],
      ['trusted.overlay.opaque', 'x'],
      ['trusted.overlay.redirect', '/etc'],
      ['trusted.overlay.metacopy', 'x'],
      ['trusted.overlay.origin', 'x'],
      ['user.overlay.opaque', 'y'],
      ['user.overlay.metacopy', 'x'],
      ['user.overlay.redirect', '../..'],
      ['trusted.other', 'x'],
      ['security.selinux', 'system_u:object_r:bin_t:s0'],
      ['security.ima', 'x'],
      ['system.posix_acl_access', 'x'],
      ['security.capability', ''.padEnd(20, 'x')],
      ['security.capability', CAPABILITY.subarray(0, 12)],
      ['security.capability', Buffer.concat([CAPABILITY, CAPABILITY])],
      ['user.', 'x'],
      ['user', 'x'],
      [`user.${'n'.repeat(251)}`, 'x'],
    ];
    let layer: Layer;
    for (const [name, value] of xattrs) {
      it(`${name.slice(0, 40)} of ${value.length} bytes`, async () => {
        const all = { 'user.kept': '1', [name]: value };
        layer = await workshop.layer(
          directory('d', { xattrs: all }),
          file('f', 'x', { xattrs: all }),
          symlink('s', 'f', { xattrs: all }),
          file('.wh.gone', '', { xattrs: all }),
        );
        const composed = await workshop.publish([await workshop.image('reg.example/app:1', [layer])]);
        const kept = { 'user.kept': '1' };
        assert.deepEqual(below(composed, layerRoot(layer.digest)), { d: kept, f: kept });
      });
    }
  });

  it('keep what is as long as it may be', async () => {
    const xattrs = { [`user.${'n'.repeat(250)}`]: 'x', 'user.large': 'x'.repeat(65_000) };
    const capability = Buffer.concat([Buffer.from('01000003', 'hex'), Buffer.alloc(20)]);
    const layer = await workshop.layer(
      file('f', 'x', { xattrs: { ...xattrs, 'security.capability': capability } }),
    );
    const composed = await workshop.publish([await workshop.image('reg.example/app:1', [layer])]);
    assert.deepEqual(below(composed, layerRoot(layer.digest)), {
      f: { ...xattrs, 'security.capability': capability.toString('latin1') },
    });
  });
});
