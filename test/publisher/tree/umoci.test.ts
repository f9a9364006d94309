import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { image } from '../../support/images/image.ts';
import { layer } from '../../support/images/layer.ts';
import { writeLayout } from '../../support/images/layout.ts';
import { ImageStore } from '../../support/images/store.ts';
import { needs, needsRoot } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { ALL_CASES } from './cases.ts';
import type { Stack } from './stack.ts';

describe('tree/merge as umoci unpacks', () => {
  it('every stack of the tables, but for those where we differ for a reason', async function () {
    needs(this, 'umoci');
    needsRoot(this);
    const folder = await temporaryDirectory('umoci');
    const store = new ImageStore();
    const cases = ALL_CASES.filter(({ differs }) => differs === undefined);
    for (const [index, { stack }] of cases.entries()) store.add('stacks', await imageOf(stack), `t${index}`);
    await mkdir(join(folder, 'oci'));
    await writeLayout(store, 'stacks', join(folder, 'oci'));
    for (const [index, { what, expected }] of cases.entries()) {
      const root = join(folder, `root-${index}`);
      const words = ['raw', 'unpack', '--image', `${join(folder, 'oci')}:t${index}`, root];
      const { status, stderr } = spawnSync('umoci', words, { encoding: 'utf8' });
      if (typeof expected === 'string') {
        assert.notEqual(status, 0, `umoci unpacks what we refuse: ${what}`);
      } else {
        assert.equal(status, 0, `${what}: ${stderr}`);
        assert.deepEqual(linesOf(root), expected, what);
      }
    }
  });
});

async function imageOf(stack: Stack) {
  const layers = [];
  for (const entries of stack) layers.push(await layer(entries, { compression: 'gzip' }));
  return image({ layers });
}

/** The directory as `treeLines` prints a tree. */
function linesOf(root: string): string[] {
  const names = new Map<number, string>();
  return [...pathsIn(root, '')].sort().map((path) => {
    const at = pathIn(root, path);
    return `${path}${described(at, lstatSync(at), { path, names })}`;
  });
}

function* pathsIn(root: string, folder: string): Generator<string> {
  for (const entry of readdirSync(pathIn(root, folder), { withFileTypes: true, encoding: 'buffer' })) {
    const name = entry.name.toString('latin1');
    const path = folder === '' ? name : `${folder}/${name}`;
    yield path;
    if (entry.isDirectory()) yield* pathsIn(root, path);
  }
}

function described(
  at: Buffer,
  found: Stats,
  { path, names }: { path: string; names: Map<number, string> },
): string {
  const mode = (found.mode & 0o7777).toString(8);
  if (found.isDirectory()) return `/${mode === '755' ? '' : ` ${mode}`}`;
  if (found.isSymbolicLink()) return ` -> ${readlinkSync(at, 'buffer').toString('latin1')}`;
  if (found.isFIFO()) return ' p';
  if (!found.isFile()) {
    const [major, minor] = [(found.rdev >> 8) & 0xfff, found.rdev & 0xff];
    return ` ${found.isBlockDevice() ? 'b' : 'c'} ${major}:${minor}`;
  }
  const first = names.get(found.ino);
  if (first !== undefined) return ` == ${first}`;
  names.set(found.ino, path);
  return ` = ${readFileSync(at, 'latin1')}`;
}

function pathIn(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}
