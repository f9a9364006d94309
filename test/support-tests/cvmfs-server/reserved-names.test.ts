import assert from 'node:assert/strict';

import { needs } from '../../support/programs.ts';
import type { Member } from './archive.ts';
import { names } from './listing.ts';
import { ingest, refused, succeeded } from './steps.ts';
import { describeServer } from './subject.ts';
import type { Subject } from './subject.ts';

const OWN = { uid: 0, gid: 0 };
const TYPES: Readonly<Record<string, Partial<Member>>> = {
  'a file': { content: '{}' },
  'an empty file': {},
  'a folder': { type: 'directory' },
  'a symbolic link': { type: 'symlink', target: 'x' },
  'a character device': { type: 'character-device', major: 1, minor: 3 },
  'a deletion': { type: 'character-device' },
  'a block device': { type: 'block-device', major: 8, minor: 1 },
  'a fifo': { type: 'fifo' },
};
/** What a catalog may have in any place, as an ingestion sees it. */
const TAKEN = [
  '.cvmfsdirtab',
  '.cvmfsautocatalog',
  '.cvmfsgraft-file',
  '.cvmfsbundle-file',
  '.cvmfspublished',
  '.cvmfs',
];
const REGULAR = new Set(['a file', 'an empty file']);

describeServer('support-tests/cvmfs-server/reserved-names', (server) => {
  for (const [type, member] of Object.entries(TYPES)) {
    it(`end an ingestion with .cvmfsbundles as ${type}, wherever it is`, async () => {
      await refused(server(), () => ingest(server(), ...below(server(), 'bundles', '.cvmfsbundles', member)));
      await refused(server(), () => ingest(server(), { name: '.cvmfsbundles', ...OWN, ...member }));
    });

    if (!REGULAR.has(type) && type !== 'a folder')
      it(`end an ingestion with .cvmfscatalog as ${type}`, async () => {
        await refused(server(), () =>
          ingest(server(), ...below(server(), 'marker', '.cvmfscatalog', member)),
        );
        await refused(server(), () => ingest(server(), { name: '.cvmfscatalog', ...OWN, ...member }));
      });

    it(`are otherwise taken as ${type}`, async function () {
      if (type.endsWith('device')) needs(this, 'root');
      const folder = `taken-${type.replaceAll(' ', '-')}`;
      const members = TAKEN.flatMap((name) => below(server(), folder, name, member));
      const [first, ...others] = members;
      assert.ok(first !== undefined);
      succeeded(await ingest(server(), first, ...others.filter(({ name }) => name !== first.name)));
      assert.deepEqual(names(server().view, `${server().top}/${folder}`), ['.', ...TAKEN].toSorted());
    });
  }

  it('end an ingestion with .cvmfsbundles as a folder that nothing names', async () => {
    await refused(server(), () => ingest(server(), { name: `${server().top}/.cvmfsbundles/file`, ...OWN }));
  });

  it('are taken as hard links', async () => {
    const top = `${server().top}/links`;
    const links = ['.cvmfsbundles', ...TAKEN].map((name): Member => ({
      name: `${top}/${name}`,
      type: 'link',
      target: `${top}/file`,
    }));
    succeeded(
      await ingest(
        server(),
        { name: top, type: 'directory', ...OWN },
        { name: `${top}/file`, ...OWN },
        ...links,
      ),
    );
  });

  it('are a problem of the catalog with .cvmfscatalog as a folder, until it is gone', async () => {
    succeeded(await ingest(server(), ...below(server(), 'folder', '.cvmfscatalog', { type: 'directory' })));
    const found = await server().run(['check', server().repository]);
    assert.equal(found.exitCode, 1);
    assert.match(found.stderr + found.stdout, /abandoned nested catalog marker/);
    succeeded(await server().run(['ingest', '-d', `${server().top}/folder`, server().repository]));
  });
});

function below({ top }: Subject, folder: string, name: string, member: Partial<Member>): Member[] {
  const at = `${top}/${folder}`;
  return [
    { name: at, type: 'directory', ...OWN },
    { name: `${at}/${name}`, ...OWN, ...member },
  ];
}
