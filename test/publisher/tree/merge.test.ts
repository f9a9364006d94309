import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import { nodeAt } from '../../../publisher/tree/resolve.ts';
import type { AnyNode } from '../../../publisher/tree/node.ts';
import { directory, file, hardLink, symlink, whiteout } from '../../support/images/layer-entry.ts';
import { ALL_CASES, TABLES } from './cases.ts';
import { inodeOf, layerAt, mergedStack, nodesOf, treeLines, type Stack } from './stack.ts';

/** Components of the longest path that a member may have. */
const MOST_COMPONENTS = 500;

describe('publisher/tree/merge', () => {
  for (const { rule, cases } of TABLES) {
    describe(rule, () => {
      for (const { what, stack, expected } of cases) {
        it(what, () => {
          assert.deepEqual(outcomeOf(stack), expected);
        });
      }
    });
  }

  it('takes a layer twice as it takes it once', () => {
    const again = [
      directory('d'),
      file('d/a', '1'),
      hardLink('d/b', 'd/a'),
      whiteout('gone'),
      symlink('s', 'd'),
    ];
    const other = [file('d/a', '2'), file('gone', 'x')];
    assert.deepEqual(outcomeOf([again, again]), outcomeOf([again]));
    assert.deepEqual(outcomeOf([again, other, again]), outcomeOf([other, again]));
  });

  it('keeps what stays the same as it is', () => {
    const { trees, layers } = mergedStack([
      [directory('same'), file('same/a', '1'), directory('changed'), file('changed/b', '2')],
      [file('changed/c', '3')],
    ]);
    const [lower, upper] = trees;
    assert.ok(lower !== undefined && upper !== undefined);
    assert.equal(upper.children.get('same'), lower.children.get('same'));
    assert.equal(inodeOf(at(upper, 'changed/b')), inodeOf(at(lower, 'changed/b')));
    assert.notEqual(at(upper, 'changed'), at(lower, 'changed'));
    assert.equal(inodeOf(at(upper, 'changed/c')), inodeOf(at(layers[1]?.root, 'changed/c')));
  });

  it('gives each path what the last layer says of it', () => {
    const { top } = mergedStack([
      [
        directory('.', { mode: 0o700 }),
        directory('d', { mode: 0o2750, uid: 1, gid: 2, mtime: 3, xattrs: { 'user.lower': '1' } }),
        file('d/f', 'x', { mode: 0o4755, uid: 4, gid: 5, mtime: -6.5, xattrs: { 'user.f': '\n' } }),
        symlink('s', 'x', { uid: 7, mtime: 8 }),
      ],
      [
        directory('.', { mode: 0o711 }),
        directory('e', { mtime: 9 }),
        file('d/g', 'y'),
        hardLink('h', 'd/f', { uid: 99 }),
      ],
      [directory('e', { mode: 0o1777, mtime: 10, xattrs: { 'user.upper': '2' } })],
    ]);
    assert.deepEqual(top.attributes.mode, 0o711);
    assert.deepEqual(carriedBy(at(top, 'd')), [
      { mode: 0o2750, uid: 1, gid: 2, mtime: 3 },
      { 'user.lower': '1' },
    ]);
    assert.deepEqual(carriedBy(at(top, 'd/f')), [
      { mode: 0o4755, uid: 4, gid: 5, mtime: -6.5 },
      { 'user.f': '\n' },
    ]);
    assert.equal(inodeOf(at(top, 'h')), inodeOf(at(top, 'd/f')));
    assert.deepEqual(carriedBy(at(top, 's')), [{ mode: 0o777, uid: 7, gid: 0, mtime: 8 }, {}]);
    assert.deepEqual(carriedBy(at(top, 'e')), [
      { mode: 0o1777, uid: 0, gid: 0, mtime: 10 },
      { 'user.upper': '2' },
    ]);
  });

  it('has a fixed time for what no member names, so that the same layers give the same tree', () => {
    const { top } = mergedStack([[file('a/b', 'x')]]);
    assert.deepEqual(carriedBy(top), [{ mode: 0o755, uid: 0, gid: 0, mtime: 0 }, {}]);
    assert.deepEqual(carriedBy(at(top, 'a')), [{ mode: 0o755, uid: 0, gid: 0, mtime: 0 }, {}]);
  });

  it('knows for each file a place where its layer has it', () => {
    for (const { stack, expected } of ALL_CASES) if (typeof expected !== 'string') assertHomes(stack);
  });

  it('takes paths as deep as they may be', () => {
    const deep = 'd/'.repeat(MOST_COMPONENTS - 1);
    const { top } = mergedStack([
      [file(`${deep}x`, '1')],
      [file(`${deep}y`, '2'), whiteout(`${deep}x`)],
      [whiteout('d/d')],
    ]);
    assert.deepEqual(treeLines(top, []), ['d/']);
  });

  it('refuses paths that links make longer than they may be', () => {
    const deep = 'd/'.repeat(MOST_COMPONENTS / 2 + 1);
    const stack: Stack = [
      [directory(deep), symlink('s', deep)],
      [directory(`s/${deep}`), symlink('t', `s/${deep}`)],
    ];
    assert.equal(outcomeOf(stack), 'layer-refused');
    assert.equal(outcomeOf([stack.flat()]), 'layer-refused');
  });
});

/** The lines of the tree, or the code of the failure. */
function outcomeOf(stack: Stack): readonly string[] | string {
  try {
    return treeLines(mergedStack(stack).top, stack);
  } catch (error) {
    if (isFailure(error)) return error.code;
    throw error;
  }
}

function assertHomes(stack: Stack): void {
  const { layers, top } = mergedStack(stack);
  for (const [path, node] of nodesOf(top, '')) {
    if (node.type !== 'file') continue;
    const { source } = node;
    assert.ok(source.kind === 'layer');
    const index = stack.findIndex((_, number) => layerAt(number) === source.layer);
    assert.equal(inodeOf(at(layers[index]?.root, source.path)), inodeOf(node), path);
  }
}

function at(root: AnyNode | undefined, path: string): AnyNode {
  const node = root === undefined ? undefined : nodeAt<AnyNode>(root, path);
  assert.ok(node !== undefined, path);
  return node;
}

function carriedBy(node: AnyNode): [attributes: unknown, xattrs: Record<string, string>] {
  const attributes = 'attributes' in node ? node.attributes : undefined;
  return [attributes, 'xattrs' in node ? Object.fromEntries(node.xattrs) : {}];
}
