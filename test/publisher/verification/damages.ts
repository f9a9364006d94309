import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../../core/oci/digest.ts';
import { makeNode, setXattr } from '../../../core/system/libc.ts';
import {
  chainIds,
  chainPath,
  flatPath,
  layerMetadataPath,
  layerPath,
  layerRoot,
  manifestPath,
  recordPath,
} from '../../../publisher/image/layout.ts';

/** A published image, by the paths that a damage can be done at. */
export class Target {
  readonly name: string;
  readonly config: Digest;
  readonly layers: readonly [base: Digest, top: Digest];
  readonly #repository: string;

  constructor(repository: string, name: string) {
    this.#repository = repository;
    this.name = name;
    const manifest = JSON.parse(readFileSync(this.at(manifestPath(name)), 'utf8')) as {
      config: { digest: Digest };
      layers: [{ digest: Digest }, { digest: Digest }];
    };
    this.config = manifest.config.digest;
    this.layers = [manifest.layers[0].digest, manifest.layers[1].digest];
  }

  at(path: string): string {
    return join(this.#repository, path);
  }

  get base(): string {
    return this.at(layerRoot(this.layers[0]));
  }

  get top(): string {
    return this.at(layerRoot(this.layers[1]));
  }

  get flat(): string {
    return this.at(flatPath(this.config));
  }

  get chain(): string {
    return this.at(chainPath(chainIds(this.layers)[1] ?? this.layers[0]));
  }

  get layerMetadata(): string {
    return this.at(layerMetadataPath(this.layers[0]));
  }

  get baseFolder(): string {
    return this.at(layerPath(this.layers[0]));
  }

  record(kind: 'layers' | 'flat' | 'chains'): string {
    const digest = {
      layers: this.layers[0],
      flat: this.config,
      chains: chainIds(this.layers)[1] ?? this.config,
    };
    return this.at(recordPath(kind, digest[kind].slice('sha256:'.length)));
  }

  get manifest(): string {
    return this.at(manifestPath(this.name));
  }

  get podmanRecord(): string {
    return join(this.manifest, '../podman.json');
  }

  get storedImage(): string {
    return this.at(`podmanStore/overlay-images/${this.config.slice('sha256:'.length)}`);
  }

  /** A layer's folder in the podman store: the first one. */
  get storedLayer(): string {
    const overlay = this.at('podmanStore/overlay');
    const [first] = readdirSync(overlay)
      .filter((one) => one.length === 64)
      .sort();
    return join(overlay, first ?? '');
  }
}

export interface Damage {
  readonly what: string;
  /** What is found, `kind path` with the end of the path. */
  readonly finding: string;
  readonly isDeep?: true;
  /** Only root can do it, or see it. */
  readonly isRoots?: true;
  readonly damage: (target: Target) => void;
}

/** Breaks the links that the file shares its content with, so that nothing else is damaged. */
function alone(path: string): string {
  const { atimeMs, mtimeMs, mode, uid, gid } = statSync(path);
  copyFileSync(path, `${path}.copy`);
  renameSync(`${path}.copy`, path);
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
  chmodSync(path, mode & 0o7777);
  utimesSync(path, new Date(atimeMs), new Date(mtimeMs));
  return path;
}

/** Changes what is in a folder, and leaves the folder's time as it was. */
function within(folder: string, change: () => void): void {
  const { atimeMs, mtimeMs } = statSync(folder);
  change();
  utimesSync(folder, new Date(atimeMs), new Date(mtimeMs));
}

function remove(path: string): void {
  within(join(path, '..'), () => rmSync(path, { recursive: true }));
}

export const DAMAGES: readonly Damage[] = [
  {
    what: 'a file of a layer is missing',
    finding: 'missing layerfs/bin/su',
    damage: ({ base }) => remove(join(base, 'bin/su')),
  },
  {
    what: 'a file of the flat tree is missing',
    finding: 'missing bin/tool',
    damage: ({ flat }) => remove(join(flat, 'bin/tool')),
  },
  {
    what: 'a file of a chain is missing',
    finding: 'missing bin/tool',
    damage: ({ chain }) => remove(join(chain, 'bin/tool')),
  },
  {
    what: 'a folder of a layer is missing',
    finding: 'missing layerfs/data',
    damage: ({ base }) => remove(join(base, 'data')),
  },
  {
    what: 'a file has other content of the same size',
    finding: 'content layerfs/data/old',
    isDeep: true,
    damage: ({ base }) => {
      const path = join(base, 'data/old');
      const { mtimeMs } = statSync(path);
      writeFileSync(path, 'y'.repeat(10_000), { flag: 'r+' });
      utimesSync(path, new Date(mtimeMs), new Date(mtimeMs));
    },
  },
  {
    what: 'a file of the flat tree alone has other content of the same size',
    finding: 'content data/old',
    isDeep: true,
    damage: ({ flat }) => {
      const path = join(flat, 'data/old');
      const { mtimeMs } = statSync(path);
      within(join(flat, 'data'), () => alone(path));
      writeFileSync(path, 'z', { flag: 'r+' });
      utimesSync(path, new Date(mtimeMs), new Date(mtimeMs));
    },
  },
  {
    what: 'a file is longer',
    finding: 'size layerfs/data/old',
    damage: ({ base }) => appendFileSync(join(base, 'data/old'), 'more'),
  },
  {
    what: 'a file is cut',
    finding: 'size data/old',
    damage: ({ flat }) => truncateSync(join(flat, 'data/old'), 10),
  },
  {
    what: 'a file has another mode',
    finding: 'mode layerfs/bin/tool',
    damage: ({ base }) => chmodSync(join(base, 'bin/tool'), 0o777),
  },
  {
    what: 'a folder has another mode',
    finding: 'mode bin',
    damage: ({ flat }) => chmodSync(join(flat, 'bin'), 0o777),
  },
  {
    what: 'a file has another owner',
    finding: 'owner layerfs/bin/tool',
    isRoots: true,
    damage: ({ base }) => chownSync(join(base, 'bin/tool'), 4_711, 0),
  },
  {
    what: 'a folder has another group',
    finding: 'owner data',
    isRoots: true,
    damage: ({ flat }) => chownSync(join(flat, 'data'), 1000, 4_711),
  },
  {
    what: 'a file has another time',
    finding: 'time layerfs/bin/tool',
    damage: ({ base }) => utimesSync(join(base, 'bin/tool'), 0, 1_000),
  },
  {
    what: 'a folder has another time',
    finding: 'time bin',
    damage: ({ flat }) => utimesSync(join(flat, 'bin'), 0, 1_000),
  },
  {
    what: 'a link has another time',
    finding: 'time data/link',
    damage: ({ flat }) => lutimesSync(join(flat, 'data/link'), 0, 1_000),
  },
  {
    what: 'a link leads elsewhere',
    finding: 'target layerfs/data/link',
    damage: ({ base }) =>
      within(join(base, 'data'), () => {
        unlinkSync(join(base, 'data/link'));
        symlinkSync('/etc/passwd', join(base, 'data/link'));
      }),
  },
  {
    what: 'a link is a file',
    finding: 'type layerfs/data/link',
    damage: ({ base }) =>
      within(join(base, 'data'), () => {
        unlinkSync(join(base, 'data/link'));
        writeFileSync(join(base, 'data/link'), '../bin/tool');
      }),
  },
  {
    what: 'a hard link is a file of its own',
    finding: 'link layerfs/bin/other',
    damage: ({ base }) => within(join(base, 'bin'), () => alone(join(base, 'bin/other'))),
  },
  {
    what: 'a file is a folder',
    finding: 'type bin/su',
    damage: ({ flat }) =>
      within(join(flat, 'bin'), () => {
        unlinkSync(join(flat, 'bin/su'));
        mkdirSync(join(flat, 'bin/su'));
      }),
  },
  {
    what: 'a folder is a link out of the repository',
    finding: 'type layerfs/bin',
    damage: ({ base }) =>
      within(base, () => {
        rmSync(join(base, 'bin'), { recursive: true });
        symlinkSync('/usr/bin', join(base, 'bin'));
      }),
  },
  {
    what: 'there is one more file in a layer',
    finding: 'extra layerfs/bin/more',
    damage: ({ base }) => within(join(base, 'bin'), () => writeFileSync(join(base, 'bin/more'), '')),
  },
  {
    what: 'there is one more folder in the flat tree',
    finding: 'extra more',
    damage: ({ flat }) =>
      within(flat, () => {
        mkdirSync(join(flat, 'more/below'), { recursive: true });
        writeFileSync(join(flat, 'more/below/file'), '');
      }),
  },
  {
    what: 'there is one more file beside a layer',
    finding: 'extra more',
    damage: ({ baseFolder }) => within(baseFolder, () => writeFileSync(join(baseFolder, 'more'), '')),
  },
  {
    what: 'a deletion is missing',
    finding: 'missing layerfs/data/gone',
    damage: ({ top }) => remove(join(top, 'data/gone')),
  },
  {
    what: 'a deletion is an empty file',
    finding: 'type layerfs/data/gone',
    damage: ({ top }) =>
      within(join(top, 'data'), () => {
        unlinkSync(join(top, 'data/gone'));
        writeFileSync(join(top, 'data/gone'), '');
      }),
  },
  {
    what: 'a deletion is another device',
    finding: 'device layerfs/data/gone',
    isRoots: true,
    damage: ({ top }) =>
      within(join(top, 'data'), () => {
        const path = join(top, 'data/gone');
        unlinkSync(path);
        makeNode(Buffer.from(path), { type: 'character-device', major: 1, minor: 3 });
        chmodSync(path, 0);
        utimesSync(path, 0, 0);
      }),
  },
  {
    what: 'an opaque folder is not any more',
    finding: 'xattr layerfs/data/hidden',
    damage: ({ top }) => setXattr(Buffer.from(join(top, 'data/hidden')), 'user.overlay.opaque', 'n'),
  },
  {
    what: 'a file has another extended attribute',
    finding: 'xattr data/labeled',
    damage: ({ flat }) => setXattr(Buffer.from(join(flat, 'data/labeled')), 'user.label', 'two'),
  },
  {
    what: 'a file has one more extended attribute',
    finding: 'xattr layerfs/bin/tool',
    damage: ({ base }) => setXattr(Buffer.from(join(base, 'bin/tool')), 'user.more', 'one'),
  },
  {
    what: 'a layer is gone',
    finding: 'missing layerfs',
    damage: ({ base }) => rmSync(base, { recursive: true }),
  },
  {
    what: 'a layer is gone with all beside it',
    finding: 'missing .layers/…',
    damage: ({ baseFolder }) => rmSync(baseFolder, { recursive: true }),
  },
  {
    what: 'the flat tree is gone',
    finding: 'missing .flat/…',
    damage: ({ flat }) => rmSync(flat, { recursive: true }),
  },
  {
    what: 'a chain is gone',
    finding: 'missing .chains/…',
    damage: ({ chain }) => rmSync(chain, { recursive: true }),
  },
  {
    what: 'a layer is a file',
    finding: 'type layerfs',
    damage: ({ base }) => {
      rmSync(base, { recursive: true });
      writeFileSync(base, '');
    },
  },
  {
    what: 'a chain is a link',
    finding: 'type .chains/…',
    damage: ({ chain }) => {
      renameSync(chain, `${chain}-moved`);
      symlinkSync(`${chain}-moved`, chain);
    },
  },
  {
    what: 'the record of a layer is gone',
    finding: 'record .unpackd/layers/…',
    damage: (target) => rmSync(target.record('layers')),
  },
  {
    what: 'the record of the flat tree says nonsense',
    finding: 'record .unpackd/flat/…',
    damage: (target) => writeFileSync(target.record('flat'), 'nonsense'),
  },
  {
    what: 'the record of a chain is a folder',
    finding: 'record .unpackd/chains/…',
    damage: (target) => {
      rmSync(target.record('chains'));
      mkdirSync(target.record('chains'));
    },
  },
  {
    what: 'the mark of a catalog is gone',
    finding: 'marker .cvmfscatalog',
    damage: ({ flat }) => remove(join(flat, '.cvmfscatalog')),
  },
  {
    what: 'the mark of a layer is a folder',
    finding: 'marker .cvmfscatalog',
    damage: ({ baseFolder }) => {
      rmSync(join(baseFolder, '.cvmfscatalog'));
      mkdirSync(join(baseFolder, '.cvmfscatalog'));
    },
  },
  {
    what: 'layers.json is cut',
    finding: 'metadata .metadata/layers.json',
    damage: ({ layerMetadata }) => truncateSync(join(layerMetadata, 'layers.json'), 20),
  },
  {
    what: 'origin.json does not name the image',
    finding: 'metadata .metadata/origin.json',
    damage: ({ layerMetadata }) => writeFileSync(join(layerMetadata, 'origin.json'), '{"origin":[]}'),
  },
  {
    what: 'the metadata of a layer are gone',
    finding: 'metadata .metadata',
    damage: ({ layerMetadata }) => rmSync(layerMetadata, { recursive: true }),
  },
  {
    what: 'a start-up file is changed',
    finding: 'content .singularity.d/actions/run',
    damage: ({ flat }) => {
      const path = join(flat, '.singularity.d/actions/run');
      const { size } = statSync(path);
      writeFileSync(path, 'x'.repeat(size));
      utimesSync(path, 0, 0);
    },
  },
  {
    what: 'the start-up files are gone',
    finding: 'missing .singularity.d',
    damage: ({ flat }) => remove(join(flat, '.singularity.d')),
  },
  {
    what: 'the public name is gone',
    finding: 'metadata NAME',
    damage: (target) => unlinkSync(target.at(target.name)),
  },
  {
    what: 'the public name leads elsewhere',
    finding: 'target NAME',
    damage: (target) => {
      unlinkSync(target.at(target.name));
      symlinkSync('../../.flat/00/0000', target.at(target.name));
    },
  },
  {
    what: 'the record for podman is changed',
    finding: 'podman podman.json',
    damage: ({ podmanRecord }) =>
      writeFileSync(podmanRecord, readFileSync(podmanRecord, 'utf8').replace('"gzip"', '"zstd"')),
  },
  {
    what: 'the record for podman is gone',
    finding: 'podman podman.json',
    damage: ({ podmanRecord }) => rmSync(podmanRecord),
  },
  {
    what: "podman's list of images is cut",
    finding: 'podman podmanStore/overlay-images/images.json',
    damage: (target) => truncateSync(target.at('podmanStore/overlay-images/images.json'), 100),
  },
  {
    what: "podman's list of layers is gone",
    finding: 'podman podmanStore/overlay-layers/layers.json',
    damage: (target) => rmSync(target.at('podmanStore/overlay-layers/layers.json')),
  },
  {
    what: "podman's manifest is changed",
    finding: 'podman manifest',
    damage: ({ storedImage }) => appendFileSync(join(storedImage, 'manifest'), ' '),
  },
  {
    what: "podman's folder of the image is gone",
    finding: 'podman podmanStore/overlay-images/…',
    damage: ({ storedImage }) => rmSync(storedImage, { recursive: true }),
  },
  {
    what: "podman's link to a layer leads elsewhere",
    finding: 'podman diff',
    damage: ({ storedLayer }) => {
      unlinkSync(join(storedLayer, 'diff'));
      symlinkSync('/etc', join(storedLayer, 'diff'));
    },
  },
  {
    what: "podman's short name of a layer is gone",
    finding: 'podman podmanStore/overlay/l/…',
    damage: ({ storedLayer }) =>
      unlinkSync(join(storedLayer, '../l', readFileSync(join(storedLayer, 'link'), 'utf8'))),
  },
  {
    what: "podman's folder of a layer is gone",
    finding: 'podman podmanStore/overlay/…',
    damage: ({ storedLayer }) => rmSync(storedLayer, { recursive: true }),
  },
];
