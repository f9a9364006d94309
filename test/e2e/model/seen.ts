import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { HOSTS, REPOSITORY } from './registries.ts';

/** What everybody can see in a repository. */
export interface Seen {
  /** By public name, the digest of its manifest; `undefined` where a link has no metadata, or these no link. */
  readonly names: ReadonlyMap<string, string | undefined>;
  readonly byHand: ReadonlySet<string>;
  /** Of all kinds, as those of a model image are named. */
  readonly trees: ReadonlySet<string>;
  /** Records of trees, by the same names. */
  readonly records: ReadonlySet<string>;
  readonly hasMarks: boolean;
  /** Of which something is kept after they were taken back. */
  readonly removed: ReadonlySet<string>;
  /** What is wrong whatever came before. */
  readonly faults: readonly string[];
}

const KINDS = ['layers', 'flat', 'chains'] as const;

export function look(root: string): Seen {
  const faults: string[] = [];
  const names = new Map<string, string | undefined>();
  for (const host of HOSTS) {
    const folder = join(host, dirname(REPOSITORY));
    for (const entry of namesIn(join(root, folder))) names.set(join(folder, entry), undefined);
  }
  const documented = below(join(root, '.metadata'), 'manifest.json');
  for (const name of documented) {
    if (!names.has(name)) faults.push(`${name} has metadata, and no link`);
    const flat = readlinkSync(join(root, name));
    if (!existsSync(resolve(root, dirname(name), flat))) faults.push(`${name} leads to nothing: ${flat}`);
    names.set(name, digestOf(join(root, '.metadata', name, 'manifest.json')));
  }
  const trees = new Set(
    KINDS.flatMap((kind) => hexBelow(join(root, `.${kind}`)).map((hex) => `${kind}/${hex}`)),
  );
  const stored = storedIn(root, faults);
  for (const tree of stored) trees.add(tree);
  return {
    names,
    trees,
    faults,
    byHand: new Set(documented.filter((name) => existsSync(join(root, '.metadata', name, 'by-hand')))),
    records: new Set(
      KINDS.flatMap((kind) => hexBelow(join(root, '.unpackd', kind)).map((hex) => `${kind}/${hex}`)),
    ),
    hasMarks: existsSync(join(root, '.unpackd/unreferenced.json')),
    removed: new Set(below(join(root, '.unpackd/removed'), 'removed.json')),
  };
}

/** What a public name may lack while a publication is under way: nothing of what it leads to. */
export function danglingNames(root: string): string[] {
  return HOSTS.flatMap((host) => {
    const folder = join(root, host, dirname(REPOSITORY));
    return namesIn(folder).filter((name) => !existsSync(join(folder, name)));
  });
}

/** Folders of `root` that have the file `file`, relative to it. */
function below(root: string, file: string): string[] {
  if (!existsSync(root)) return [];
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return paths.filter((path) => path.endsWith(`/${file}`)).map((path) => dirname(path));
}

function hexBelow(folder: string): string[] {
  return namesIn(folder).flatMap((two) => namesIn(join(folder, two)));
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name !== '.cvmfscatalog');
}

function digestOf(path: string): string {
  return JSON.parse(readFileSync(path, 'utf8')).config.digest;
}

/** What the podman store lists: each image and layer of it must be whole. */
function storedIn(root: string, faults: string[]): string[] {
  const store = join(root, 'podmanStore');
  if (!existsSync(join(store, 'overlay-images/images.json'))) return [];
  const read = (path: string): { id: string; layer?: string; parent?: string }[] =>
    JSON.parse(readFileSync(join(store, path), 'utf8'));
  const [images, layers] = [read('overlay-images/images.json'), read('overlay-layers/layers.json')];
  const listed = new Set(layers.map(({ id }) => id));
  for (const { id, layer = '' } of images) {
    if (!listed.has(layer)) faults.push(`podman lists image ${id}, and not its layer ${layer}`);
    if (!existsSync(join(store, 'overlay-images', id, 'manifest')))
      faults.push(`podman has no manifest of ${id}`);
  }
  for (const { id, parent } of layers) {
    if (parent !== undefined && parent !== '' && !listed.has(parent))
      faults.push(`podman lists layer ${id}, and not its parent ${parent}`);
    if (!isFolder(join(store, 'overlay', id, 'diff')))
      faults.push(`podman lists layer ${id}, which is not there`);
    const short = readFileSync(join(store, 'overlay', id, 'link'), 'latin1');
    if (!isFolder(join(store, 'overlay/l', short)))
      faults.push(`podman’s short name of ${id} leads to nothing`);
  }
  for (const name of namesIn(join(store, 'overlay')))
    if (name !== 'l' && !listed.has(name)) faults.push(`podman’s layer ${name} is there, and not listed`);
  return [...images.map(({ id }) => `images/${id}`), ...layers.map(({ id }) => `stored/${id}`)];
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
