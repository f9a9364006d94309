import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import { flatPath, layerRoot } from '../../../publisher/image/layout.ts';
import { getAttribute, setAttribute, storesAttributes } from '../../support/cvmfs-server/system.ts';
import {
  device,
  directory,
  fifo,
  file,
  hardLink,
  symlink,
  whiteout,
} from '../../support/images/layer-entry.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import { needs, skip } from '../../support/programs.ts';
import { Publisher } from './images.ts';
import { names } from './listing.ts';
import { succeeded } from './steps.ts';
import { describeServer } from './subject.ts';
import type { Subject } from './subject.ts';

/** More than the largest chunk. */
const LARGE = 'unpackd '.repeat(17 * 1024 * 128);

function pathIn(image: ReadyImage, name: string): string {
  return `${flatPath(image.manifest.config.digest)}/${name}`;
}

function contentOf(subject: Subject, image: ReadyImage, name: string): string {
  return readFileSync(`${subject.view}/${pathIn(image, name)}`, 'latin1');
}

describeServer('support-tests/cvmfs-server/images: images with large files', (server) => {
  let publisher: Publisher;
  let base: Layer;
  let images: ReadyImage[];
  let cases = 0;
  beforeEach(async () => {
    publisher = await Publisher.open(server());
    const { workshop } = publisher;
    // Else the next case would have the same layers.
    const own = `${server().top} ${++cases}`;
    base = await workshop.layer(
      file('own', own),
      file('large', LARGE, { xattrs: { 'user.x': 'y' } }),
      file('plain', LARGE),
    );
    const top = await workshop.layer(file('top', own), hardLink('linked', 'large'));
    images = [
      await workshop.image(`${server().top}.example/base:1`, [base]),
      await workshop.image(`${server().top}.example/app:1`, [base, top]),
      await workshop.image(`${server().top}.example/again:1`, [base, top], {
        config: { Env: ['AGAIN=yes'] },
      }),
    ];
  });

  it('that have attributes share their layer, one publication after the other', async function () {
    needsAttributes(this, server());
    for (const image of images) assert.deepEqual(await publisher.publish(image), ['published']);
    for (const image of images) {
      assert.equal(contentOf(server(), image, 'large'), LARGE);
      assert.equal(
        getAttribute(Buffer.from(`${server().view}/${pathIn(image, 'large')}`), 'user.x').toString(),
        'y',
      );
    }
    assert.equal(contentOf(server(), images[1] ?? assert.fail(), 'linked'), LARGE);
  });

  it('that have attributes share their layer in one publication', async function () {
    needsAttributes(this, server());
    assert.deepEqual(
      await publisher.publish(...images),
      images.map(() => 'published'),
    );
    for (const image of images) assert.equal(contentOf(server(), image, 'large'), LARGE);
  });

  it('that somebody else has touched are brought again', async function () {
    needsAttributes(this, server());
    const [first, ...others] = images;
    assert.ok(first !== undefined);
    await publisher.publish(first);
    const subject = server();
    succeeded(await subject.run(['transaction', subject.repository]));
    const touched = `${subject.union}/${layerRoot(base.digest)}/plain`;
    setAttribute(Buffer.from(touched), 'user.touched', Buffer.from('1'));
    succeeded(await subject.run(['publish', subject.repository]));
    for (const image of others) assert.deepEqual(await publisher.publish(image), ['published']);
    for (const image of images) assert.equal(contentOf(server(), image, 'plain'), LARGE);
  });
});

const RESERVED = [
  '.cvmfscatalog',
  '.cvmfsdirtab',
  '.cvmfsbundles',
  '.cvmfsautocatalog',
  '.cvmfsgraft-file',
  '.cvmfsgraft-',
  '.cvmfsbundle-file',
  '.cvmfsbundle-',
];
/** Names of things that are not in catalogs. */
const HARMLESS = ['.cvmfs', '.cvmfspublished', '.cvmfswhitelist', '.cvmfsreflog', '.cvmfs_master_replica'];

const TYPES: Readonly<Record<string, (path: string) => LayerEntry>> = {
  'a file': (path) => file(path, '{"bundles": []}'),
  'an empty file': (path) => file(path, ''),
  'a folder': (path) => directory(path),
  'a symbolic link': (path) => symlink(path, 'file'),
  'a hard link': (path) => hardLink(path, 'file'),
  'a device': (path) => device(path, 'character-device', [1, 3]),
  'a device 0:0': (path) => device(path, 'character-device', [0, 0]),
  'a deletion': (path) => whiteout(path),
  'a block device': (path) => device(path, 'block-device', [8, 1]),
  'a fifo': (path) => fifo(path),
};

describeServer('support-tests/cvmfs-server/images: images with names that CernVM-FS acts on', (server) => {
  for (const [type, entry] of Object.entries(TYPES)) {
    it(`lose what is ${type} of such a name, and nothing else of the batch`, async function () {
      if (type.includes('device')) needs(this, 'root');
      const publisher = await Publisher.open(server());
      const { workshop } = publisher;
      const all = [...RESERVED, ...HARMLESS];
      const hostile = await workshop.layer(
        file('file', type),
        directory('deep'),
        ...all.map((name) => entry(name)),
        ...all.map((name) => entry(`deep/${name}`)),
      );
      const images = [
        await workshop.image(`${server().top}.example/hostile:1`, [hostile]),
        await workshop.image(`${server().top}.example/other:1`, [await workshop.layer(file('other', type))]),
      ];
      assert.deepEqual(await publisher.publish(...images), ['published', 'published']);
      const [image] = images;
      assert.ok(image !== undefined);
      const found = names(server().view, flatPath(image.manifest.config.digest));
      const left = found.filter((path) => path.includes('.cvmfs') && path !== '.cvmfscatalog');
      const kept = type === 'a deletion' ? [] : HARMLESS.flatMap((name) => [name, `deep/${name}`]);
      assert.deepEqual(left, kept.toSorted());
      assert.ok(publisher.said.some((line) => /left out, since CernVM-FS would act on them/.test(line)));
    });
  }
});

describeServer(
  'support-tests/cvmfs-server/images: images with links that clients would put values into',
  (server) => {
    it('are seen as they are: $(NAME) stands for itself', async () => {
      const publisher = await Publisher.open(server());
      const { workshop } = publisher;
      const targets = ['$(HOME)/x', '$(NOBODY:-y)', '$HOME', '$(', `$(${'HOME)/$('.repeat(30)}`];
      const image = await workshop.image(`${server().top}.example/links:1`, [
        await workshop.layer(...targets.map((target, index) => symlink(`link${index}`, target))),
      ]);
      assert.deepEqual(await publisher.publish(image), ['published']);
      for (const [index, target] of targets.entries()) {
        // The server shows what is stored, in which clients put the default.
        const stored = readlinkSync(`${server().view}/${pathIn(image, `link${index}`)}`);
        assert.equal(stored.replaceAll('$(:-$)', '$'), target);
        assert.doesNotMatch(stored, /\$\((?!:-\$\))/);
      }
    });
  },
);

function needsAttributes(context: Mocha.Context, { view }: Subject): void {
  if (!storesAttributes(Buffer.from(view.replace(/\/rdonly$/, ''))))
    skip(context, 'on a file system without attributes');
}
