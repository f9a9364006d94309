import { CAPABILITY } from '../e2e/images.ts';
import type { BackendKind } from '../e2e/site.ts';
import {
  addFile,
  addFolder,
  becomeDevice,
  becomeFile,
  becomeFolder,
  change,
  dropAttributes,
  empty,
  leadElsewhere,
  lengthen,
  remove,
  rewrite,
  setAttribute,
  setMode,
  setOwner,
  setTime,
  shorten,
  unlinkFromOthers,
} from './edits.ts';
import type { Victim } from './victim.ts';

/** One way to break a published image by hand. */
export interface Way {
  readonly what: string;
  /** Where it shows, relative to the repository. */
  readonly path: (victim: Victim) => string;
  /** What is found there. */
  readonly kind: string;
  /** Breaks the file or folder at the absolute path. */
  readonly break: (at: string, victim: Victim) => void;
  /** Only contents show it. */
  readonly isOfContent?: true;
  /** Where it can be done. */
  readonly only?: BackendKind;
}

/** Layers of the image, from the lowest. */
const [BASE, SECOND, TOP] = [0, 1, 2];

const IN_LAYERS: readonly Way[] = [
  {
    what: 'a file is gone',
    path: (victim) => victim.layer(BASE, 'usr/lib/large'),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'a file has other content of the same size and time',
    path: (victim) => victim.layer(BASE, 'usr/lib/large'),
    kind: 'content',
    break: change,
    isOfContent: true,
  },
  {
    what: 'a file is longer',
    path: (victim) => victim.layer(BASE, 'etc/passwd'),
    kind: 'size',
    break: lengthen,
  },
  {
    what: 'a file is shorter',
    path: (victim) => victim.layer(BASE, 'usr/lib/large'),
    kind: 'size',
    break: shorten,
  },
  {
    what: 'a file has another mode',
    path: (victim) => victim.layer(BASE, 'etc/shadow'),
    kind: 'mode',
    break: (at) => setMode(at, 0o644),
  },
  {
    what: 'a file has lost its set-uid bit',
    path: (victim) => victim.layer(BASE, 'usr/bin/setuid'),
    kind: 'mode',
    break: (at) => setMode(at, 0o755),
  },
  {
    what: 'a file has another owner',
    path: (victim) => victim.layer(BASE, 'usr/lib/large'),
    kind: 'owner',
    break: (at) => setOwner(at, { uid: 1000 }),
  },
  {
    what: 'a file has another group',
    path: (victim) => victim.layer(BASE, 'usr/bin/setgid'),
    kind: 'owner',
    break: (at) => setOwner(at, { gid: 1000 }),
  },
  {
    what: 'a file has another time',
    path: (victim) => victim.layer(BASE, 'etc/passwd'),
    kind: 'time',
    break: (at) => setTime(at, 1_234_567_890),
  },
  {
    what: 'a file in a name with a line feed is gone',
    path: (victim) => victim.layer(BASE, 'usr/share/new\nline'),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'a link leads elsewhere',
    path: (victim) => victim.layer(BASE, 'bin'),
    kind: 'target',
    break: (at) => leadElsewhere(at, 'usr/lib'),
  },
  {
    what: 'a link became a file',
    path: (victim) => victim.layer(BASE, 'usr/bin/absolute'),
    kind: 'type',
    break: becomeFile,
  },
  {
    what: 'a file became a link out of the repository',
    path: (victim) => victim.layer(BASE, `usr/share/${'long-name-'.repeat(24)}`),
    kind: 'type',
    break: (at) => leadElsewhere(at, '/etc/hostname'),
  },
  {
    what: 'a file became a folder',
    path: (victim) => victim.layer(BASE, 'etc/empty'),
    kind: 'type',
    break: becomeFolder,
  },
  {
    what: 'a folder became a link out of the repository',
    path: (victim) => victim.layer(BASE, 'opt/private'),
    kind: 'type',
    break: (at) => leadElsewhere(at, '/etc'),
  },
  {
    what: 'a hard link became a copy',
    path: (victim) => victim.layer(BASE, 'usr/bin/tool-linked'),
    kind: 'link',
    break: unlinkFromOthers,
    only: 'directory',
  },
  {
    what: 'a deletion is gone',
    path: (victim) => victim.layer(SECOND, 'opt/data/1.txt'),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'a deletion is written as a file',
    path: (victim) => victim.layer(SECOND, 'opt/gone'),
    kind: 'missing',
    break: (at) => {
      remove(at);
      addFile(at.replace(/gone$/, '.wh.gone'));
    },
  },
  {
    what: 'a device has other numbers',
    path: (victim) => victim.layer(BASE, 'usr/lib/devices/null'),
    kind: 'device',
    break: (at) => becomeDevice(at, [1, 5]),
    only: 'directory',
  },
  {
    what: 'a folder is no longer opaque',
    path: (victim) => victim.layer(SECOND, 'opt/data/sub'),
    kind: 'xattr',
    break: dropAttributes,
  },
  {
    what: 'a file has lost its capabilities',
    path: (victim) => victim.layer(BASE, 'usr/bin/ping'),
    kind: 'xattr',
    break: dropAttributes,
  },
  {
    what: 'a file has capabilities that it had not',
    path: (victim) => victim.layer(BASE, 'usr/bin/tool'),
    kind: 'xattr',
    break: (at) => setAttribute(at, 'security.capability', CAPABILITY),
  },
  {
    what: 'there is one file more',
    path: (victim) => victim.layer(TOP, 'opt/data/more'),
    kind: 'extra',
    break: addFile,
  },
  {
    what: 'there is one folder more',
    path: (victim) => victim.layer(TOP, 'opt/more'),
    kind: 'extra',
    break: addFolder,
  },
  {
    what: 'a folder has another mode',
    path: (victim) => victim.layer(BASE, 'var/spool'),
    kind: 'mode',
    break: (at) => setMode(at, 0o755),
  },
  {
    what: 'a folder has another owner',
    path: (victim) => victim.layer(BASE, 'opt/private'),
    kind: 'owner',
    break: (at) => setOwner(at, { uid: 0, gid: 0 }),
  },
  {
    what: 'a folder is gone',
    path: (victim) => victim.layer(BASE, 'usr/share'),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'a catalog marker is gone',
    path: (victim) => victim.besideLayer(BASE, '.cvmfscatalog'),
    kind: 'marker',
    break: remove,
  },
];

const OF_TREES: readonly Way[] = [
  {
    what: 'a layer is gone',
    path: (victim) => victim.besideLayer(SECOND),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'the tree of a layer is gone',
    path: (victim) => victim.layer(SECOND),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'the tree of a layer is empty',
    path: (victim) => victim.layer(TOP, 'opt'),
    kind: 'missing',
    break: (_at, victim) => empty(victim.at(victim.layer(TOP))),
  },
  {
    what: 'there is a file beside the tree of a layer',
    path: (victim) => victim.besideLayer(TOP, 'note'),
    kind: 'extra',
    break: addFile,
  },
  {
    what: 'layers.json is cut short',
    path: (victim) => victim.besideLayer(BASE, '.metadata/layers.json'),
    kind: 'metadata',
    break: shorten,
  },
  {
    what: 'layers.json names another layer',
    path: (victim) => victim.besideLayer(BASE, '.metadata/layers.json'),
    kind: 'metadata',
    break: change,
  },
  {
    what: 'layers.json is gone',
    path: (victim) => victim.besideLayer(TOP, '.metadata/layers.json'),
    kind: 'metadata',
    break: remove,
  },
  {
    what: 'origin.json is cut short',
    path: (victim) => victim.besideLayer(SECOND, '.metadata/origin.json'),
    kind: 'metadata',
    break: shorten,
  },
  {
    what: 'origin.json is without the image',
    path: (victim) => victim.besideLayer(TOP, '.metadata/origin.json'),
    kind: 'metadata',
    break: (at) => rewrite(at, () => '{"origin":[]}'),
  },
  {
    what: 'the record of a layer is gone',
    path: (victim) => victim.layerRecord(TOP),
    kind: 'record',
    break: remove,
  },
  {
    what: 'the record of a flat tree is gone',
    path: (victim) => victim.flatRecord(),
    kind: 'record',
    break: remove,
  },
  {
    what: 'the flat tree is gone',
    path: (victim) => victim.flat(),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'a file of the flat tree is gone',
    path: (victim) => victim.flat('usr/bin/tool'),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'a file of the flat tree is another one of the same size and time',
    path: (victim) => victim.flat('usr/lib/large'),
    kind: 'content',
    break: change,
    isOfContent: true,
  },
  {
    what: 'a file of the flat tree has lost its set-uid bit',
    path: (victim) => victim.flat('usr/bin/setuid'),
    kind: 'mode',
    break: (at) => setMode(at, 0o755),
  },
  {
    what: 'the flat tree has what was deleted',
    path: (victim) => victim.flat('opt/data/sub/1.txt'),
    kind: 'extra',
    break: addFile,
  },
  {
    what: 'a catalog marker is a folder',
    path: (victim) => victim.chain(SECOND, '.cvmfscatalog'),
    kind: 'marker',
    break: becomeFolder,
  },
  {
    what: 'the flat tree has no catalog marker',
    path: (victim) => victim.flat('.cvmfscatalog'),
    kind: 'marker',
    break: remove,
  },
  {
    what: 'a start-up file is gone',
    path: (victim) => victim.flat('.singularity.d/runscript'),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'a start-up file is another one of the same size and time',
    path: (victim) => victim.flat('.singularity.d/env/10-docker2singularity.sh'),
    kind: 'content',
    break: change,
  },
  {
    what: 'a start-up link leads elsewhere',
    path: (victim) => victim.flat('.run'),
    kind: 'target',
    break: (at) => leadElsewhere(at, '.singularity.d/actions/shell'),
  },
  {
    what: 'a mount point is gone',
    path: (victim) => victim.flat('proc'),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'the chain of the topmost layer is gone',
    path: (victim) => victim.chain(TOP),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'the chain of the lowest layer is gone',
    path: (victim) => victim.chain(BASE),
    kind: 'missing',
    break: remove,
  },
  {
    what: 'a file of the topmost chain is gone',
    path: (victim) => victim.chain(TOP, 'usr/bin/setuid'),
    kind: 'missing',
    break: remove,
  },
];

const OF_NAMES: readonly Way[] = [
  {
    what: 'the manifest is cut short',
    path: (victim) => victim.metadata('manifest.json'),
    kind: 'metadata',
    break: shorten,
  },
  {
    what: 'the manifest is gone',
    path: (victim) => victim.metadata('manifest.json'),
    kind: 'metadata',
    break: remove,
  },
  {
    what: "the manifest is another image's",
    path: (victim) => victim.name,
    kind: 'target',
    break: (_at, victim) =>
      rewrite(victim.at(victim.metadata('manifest.json')), () =>
        victim.read(victim.metadata('manifest.json').replace('lab/rich', 'lab/other')),
      ),
  },
  {
    what: 'the public link is gone',
    path: (victim) => victim.name,
    kind: 'metadata',
    break: remove,
  },
  {
    what: 'the public link leads to another image',
    path: (victim) => victim.name,
    kind: 'target',
    break: (at) => leadElsewhere(at, '../../.flat/00/0000'),
  },
  {
    what: 'the public link leads out of the repository',
    path: (victim) => victim.name,
    kind: 'target',
    break: (at) => leadElsewhere(at, '/etc'),
  },
];

const OF_PODMAN: readonly Way[] = [
  {
    what: 'podman.json is gone',
    path: (victim) => victim.metadata('podman.json'),
    kind: 'podman',
    break: remove,
  },
  {
    what: 'podman.json is cut short',
    path: (victim) => victim.metadata('podman.json'),
    kind: 'podman',
    break: shorten,
  },
  {
    what: "podman's list of images is cut short",
    path: () => 'podmanStore/overlay-images/images.json',
    kind: 'podman',
    break: shorten,
  },
  {
    what: "podman's list of images is gone",
    path: () => 'podmanStore/overlay-images/images.json',
    kind: 'podman',
    break: remove,
  },
  {
    what: "podman's list of layers has another layer",
    path: () => 'podmanStore/overlay-layers/layers.json',
    kind: 'podman',
    break: (at) => rewrite(at, (text) => text.replace(/"id":"./, '"id":"g')),
  },
  {
    what: 'the lock of a list of podman is another one',
    path: () => 'podmanStore/overlay-images/images.lock',
    kind: 'podman',
    break: (at) => rewrite(at, () => '0'.repeat(64)),
  },
  {
    what: 'the lock of a list of podman is gone',
    path: () => 'podmanStore/overlay-layers/layers.lock',
    kind: 'podman',
    break: remove,
  },
  {
    what: 'a layer of podman has another short name',
    path: (victim) => victim.podmanLayer(SECOND, 'link'),
    kind: 'podman',
    break: (at) => rewrite(at, () => 'abcdef'),
  },
  {
    what: 'a short name of podman is gone',
    path: (victim) => victim.podmanLink(TOP),
    kind: 'podman',
    break: remove,
  },
  {
    what: "the tree of podman's layer is elsewhere",
    path: (victim) => victim.podmanLayer(BASE, 'diff'),
    kind: 'podman',
    break: (at) => leadElsewhere(at, '/etc'),
  },
  {
    what: 'a layer of podman does not say what is below',
    path: (victim) => victim.podmanLayer(TOP, 'lower'),
    kind: 'podman',
    break: remove,
  },
  {
    what: 'a layer of podman has no mount point',
    path: (victim) => victim.podmanLayer(TOP, 'merged'),
    kind: 'podman',
    break: remove,
  },
  {
    what: "podman's manifest is another one",
    path: (victim) => victim.podmanImage('manifest'),
    kind: 'podman',
    break: (at) => rewrite(at, (text) => text.replace('{', ' ')),
  },
  {
    what: "podman's config is gone",
    path: (victim) => victim.podmanConfig(),
    kind: 'podman',
    break: remove,
  },
  {
    what: "podman's image is gone",
    path: (victim) => victim.podmanImage(),
    kind: 'podman',
    break: remove,
  },
];

export const WAYS: readonly Way[] = [...IN_LAYERS, ...OF_TREES, ...OF_NAMES, ...OF_PODMAN];

/** Ways to break an image for several architectures; those of clients that follow variant links are of CernVM-FS alone. */
export const MULTIARCH_WAYS: readonly Way[] = [
  {
    what: 'the link of another architecture is gone',
    path: (victim) => `.multiarch/arm64/${victim.name}`,
    kind: 'metadata',
    break: remove,
  },
  {
    what: 'the link of another architecture leads to this one',
    path: (victim) => `.multiarch/arm64/${victim.name}`,
    kind: 'target',
    break: (at, victim) => leadElsewhere(at, `../../../../${victim.flat()}`),
  },
  {
    what: 'the manifest of another architecture is cut short',
    path: (victim) => `.metadata/.multiarch/arm64/${victim.name}/manifest.json`,
    kind: 'metadata',
    break: shorten,
  },
  {
    what: "the list of images of another architecture's podman store is gone",
    path: () => '.multiarch/arm64/podmanStore/overlay-images/images.json',
    kind: 'podman',
    break: remove,
  },
  {
    what: 'the link of its own architecture is gone',
    path: (victim) => `.multiarch/amd64/${victim.name}`,
    kind: 'metadata',
    break: remove,
    only: 'cvmfs',
  },
  {
    what: 'the variant link leads to one architecture',
    path: (victim) => victim.name,
    kind: 'target',
    break: (at, victim) => leadElsewhere(at, `../../.multiarch/arm64/${victim.name}`),
    only: 'cvmfs',
  },
  {
    what: 'the variant link is gone',
    path: (victim) => victim.name,
    kind: 'metadata',
    break: remove,
    only: 'cvmfs',
  },
  {
    what: 'a further name of an architecture is gone',
    path: () => '.multiarch/aarch64',
    kind: 'metadata',
    break: remove,
    only: 'cvmfs',
  },
  {
    what: 'a further name of an architecture leads to another one',
    path: () => '.multiarch/aarch64',
    kind: 'target',
    break: (at) => leadElsewhere(at, 'amd64'),
    only: 'cvmfs',
  },
];

/**
 * The ways in groups of which each can be done at the same time: none of them hides another, and each is found by itself.
 */
export function roundsOf(ways: readonly Way[], victim: Victim): readonly (readonly Way[])[] {
  const rounds: Way[][] = [];
  for (const way of ways) {
    const fits = (round: readonly Way[]): boolean =>
      round.length < MOST_AT_ONCE && round.every((other) => !isInTheWay(way, other, victim));
    const round = rounds.find(fits);
    if (round === undefined) rounds.push([way]);
    else round.push(way);
  }
  return rounds;
}

const MOST_AT_ONCE = 8;

function isInTheWay(way: Way, other: Way, victim: Victim): boolean {
  if ((way.isOfContent ?? false) !== (other.isOfContent ?? false)) return true;
  const [path, otherPath] = [way.path(victim), other.path(victim)];
  const isBelow = (one: string, folder: string): boolean => one === folder || one.startsWith(`${folder}/`);
  return isBelow(path, otherPath) || isBelow(otherPath, path) || isAlone(path) || isAlone(otherPath);
}

/** Manifests, records and names say of trees what they are. */
function isAlone(path: string): boolean {
  return !/^(?:\.layers|\.chains|\.flat|podmanStore)\//.test(path);
}
