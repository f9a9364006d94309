import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { layerRoot } from '../../publisher/image/layout.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { BUSYBOX_STACKS } from '../support/e2e/busybox-images.ts';
import { RICH_LAYERS } from '../support/e2e/images.ts';
import { withFuseOverlay, withMount } from '../support/e2e/mounts.ts';
import { imageTree } from '../support/e2e/reference.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { Site } from '../support/e2e/site.ts';
import { image } from '../support/images/image.ts';
import { layer } from '../support/images/layer.ts';
import { needs, needsRoot } from '../support/programs.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { differences, type Snapshot } from '../support/trees/snapshot.ts';
import { TABLES } from '../publisher/tree/cases.ts';
import type { Stack } from '../publisher/tree/stack.ts';

interface Case {
  readonly what: string;
  readonly stack: Stack;
}

const CASES: readonly Case[] = [
  { what: 'everything that layers hold', stack: RICH_LAYERS },
  ...Object.entries(BUSYBOX_STACKS).map(([tag, stack]) => ({ what: `busybox:${tag}`, stack })),
  ...TABLES.flatMap(({ rule, cases }) =>
    cases
      .filter(({ expected }) => typeof expected !== 'string')
      .map(({ what, stack }) => ({ what: `${rule} ${what}`, stack })),
  ),
];

/** How layers are mounted over each other, the topmost first: read-only, over an empty directory. */
const MOUNTS = {
  'kernel overlay': async (
    context: Mocha.Context,
    folder: string,
    lower: string[],
    work: () => Promise<void>,
  ) => await withMount(context, folder, { type: 'overlay', options: `ro,lowerdir=${lower.join(':')}` }, work),
  'fuse-overlayfs': withFuseOverlay,
} as const;

describe('e2e/overlay', () => {
  let registry: TestRegistry;
  let site: Site;
  let empty: string;
  let stderr: string;

  before(async function () {
    registry = await TestRegistry.start();
    site = await Site.make('directory');
    empty = await temporaryDirectory('empty');
    const wishes = [];
    for (const [index, { stack }] of CASES.entries()) {
      const layers = [];
      for (const entries of stack) layers.push(await layer(entries));
      wishes.push(registry.add('lab/overlay', `c${index}`, image({ layers })));
    }
    const outcome = await site.convert(wishes);
    ({ stderr } = outcome);
    assert.equal(outcome.status, 0, stderr);
  });
  after(async () => {
    await registry.close();
    await site.close();
  });

  const nameOf = (index: number): string => `${registry.host}/lab/overlay:c${index}`;

  /** The topmost first. A tree that is there twice counts where it is topmost: the kernel takes none twice. */
  function layersOf(name: string): string[] {
    const manifest = JSON.parse(readFileSync(site.path(`.metadata/${name}/manifest.json`), 'utf8'));
    const digests: Digest[] = manifest.layers.map(({ digest }: { digest: Digest }) => digest);
    return [...new Set(digests.toReversed())].map((digest) => site.path(layerRoot(digest)));
  }

  /** The paths of which a warning says that overlay mounts show others. */
  function warnedOf(name: string): string[] {
    const line = stderr
      .split('\n')
      .find((text) => text.startsWith(`warning: ${name}: overlay mounts of .layers`));
    return /\(([^)]*)\)$/.exec(line ?? '')?.[1]?.split(', ') ?? [];
  }

  for (const [kind, mount] of Object.entries(MOUNTS)) {
    describe(`by ${kind}`, () => {
      for (const [index, { what, stack }] of CASES.entries()) {
        it(`list the same as the flat tree, but for what a warning names: ${what}`, async function () {
          needsRoot(this);
          if (kind === 'fuse-overlayfs') needs(this, 'fuse-overlayfs');
          const name = nameOf(index);
          const folder = join(await temporaryDirectory('overlay'), 'mount');
          mkdirSync(folder);
          const expected = await withRoot(`${site.path(name)}/`);
          await mount(this, folder, [...layersOf(name), empty], async () => {
            const all = differences(await withRoot(`${folder}/`), expected);
            const found = all.filter((line) => !MOUNT_POINTS.has(line));
            const warned = warnedOf(name);
            // An opaque root is the only thing of which one of the two makes what is meant.
            if (kind === 'fuse-overlayfs' && found.length === 0 && warned.join() === '/') return;
            assertWarned(found, warned, stack);
          });
        });
      }
    });
  }
});

/** Folders above apptainer's mount points, where the image has none. */
const MOUNT_POINTS: ReadonlySet<string> = new Set(
  ['etc', 'var'].map((name) => `"${name}": nothing, expected directory 0755 0:0`),
);

/** What an image holds, with its root: an image that says nothing of it has that of the layer on top. */
async function withRoot(root: string): Promise<Snapshot> {
  const { mode, uid, gid } = lstatSync(root);
  return new Map([...(await imageTree(root)), ['/', `${mode.toString(8)} ${uid}:${gid}`]]);
}

/** What goes through a link of a lower layer is missing where the link leads; everything else differs in its place. */
function assertWarned(found: readonly string[], warned: readonly string[], stack: Stack): void {
  assert.equal(found.length > 0, warned.length > 0, `${warned.join()} in place of ${found.join('\n')}`);
  if (stack.some((entries) => entries.some(({ type }) => type === 'symlink'))) return;
  for (const line of found) {
    const path = String(JSON.parse(line.slice(0, line.indexOf(': '))));
    assert.ok(
      warned.some((name) => name === '/' || path === name || path.startsWith(`${name}/`)),
      line,
    );
  }
}
