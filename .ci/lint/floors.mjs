/**
 * The floors of the house, from the ground up: a file imports from its own folder, from its folder's parents and subfolders, and
 * from floors below. Folders in one line do not know each other. A subfolder that is not named stands where its parent does.
 */
import { dirname, relative, resolve } from 'node:path';

const FLOORS = [
  ['core/system', 'core/oci'],
  ['core'],
  ['core/http'],
  ['wishlist/tags'],
  ['wishlist/recipe'],
  ['wishlist/meaning', 'wishlist/check', 'wishlist/sources'],
  ['publisher/publication'],
  ['publisher/packed', 'publisher/registry', 'publisher/spool'],
  ['publisher/repository', 'publisher/layer'],
  ['publisher/image'],
  ['publisher/published'],
  ['publisher/tree'],
  ['publisher/outputs'],
  ['publisher/compose'],
  ['publisher/pipeline'],
  ['publisher/removal'],
  ['publisher/collection'],
  ['publisher/verification'],
  ['publisher/adoption'],
  ['daemon/configuration', 'daemon/client-config'],
  ['daemon/output'],
  ['daemon/configuration/inspection'],
  ['daemon/notification', 'daemon/state', 'daemon/systemd'],
  ['daemon/checking'],
  ['daemon/cycle'],
  ['daemon/collection', 'daemon/verification'],
  ['daemon/service'],
  ['daemon/status'],
  ['daemon/cli'],
];

/** Implementations that one file alone may name: all others depend on the interface that it returns. */
const NAMED_BY = new Map([['daemon/state/sqlite', 'daemon/state/open-state.ts']]);

const below = (...folders) => folders.map((folder) => `publisher/${folder}`);

/** Folders that may know less than all that stands below them. */
const ONLY = new Map([
  ['publisher/publication', ['core']],
  ['publisher/registry', ['core']],
  ['publisher/spool', ['core']],
  ['publisher/packed', ['core', 'publisher/publication']],
  ['publisher/layer', ['core', 'publisher/publication', 'publisher/packed']],
  ['publisher/repository', ['core', 'publisher/publication', 'publisher/packed']],
  ['publisher/image', ['core', 'publisher/layer', 'wishlist/meaning']],
  ['publisher/published', ['core', 'publisher/publication', 'publisher/image']],
  ['publisher/tree', ['core', ...below('publication', 'packed', 'layer', 'image')]],
  ['publisher/outputs', ['core', ...below('publication', 'layer', 'image', 'published', 'tree')]],
  [
    'publisher/compose',
    ['core', ...below('publication', 'packed', 'layer', 'image', 'published', 'tree', 'outputs')],
  ],
]);

const HEIGHTS = new Map(FLOORS.flatMap((folders, height) => folders.map((folder) => [folder, height])));

/** The height of a folder; `undefined` for what is no part of the product. */
function heightOf(folder) {
  for (let at = folder; at !== '.'; at = dirname(at)) if (HEIGHTS.has(at)) return HEIGHTS.get(at);
  return undefined;
}

const isWithin = (folder, other) => folder === other || folder.startsWith(`${other}/`);

/** Why a file in `folder` may not import one in `other`; `undefined` where it may. */
function wrongArrow(folder, other) {
  if (isWithin(folder, other) || isWithin(other, folder)) return undefined;
  const [from, to] = [heightOf(folder), heightOf(other)];
  if (from === undefined) return `${folder} is on no floor: name it in .ci/lint/floors.mjs`;
  if (to === undefined) return `${other} is no part of the product`;
  if (to > from) return `${other} stands above ${folder}`;
  for (const [top, allowed] of ONLY)
    if (isWithin(folder, top) && !allowed.some((one) => isWithin(other, one)))
      return `${top} knows ${allowed.join(' and ')} alone`;
  const [own, others] = [folder, other].map((one) => one.split('/').slice(0, 2).join('/'));
  return to === from && own !== others ? `${other} stands beside ${folder}, not below it` : undefined;
}

/** Why `file` may not name the implementation in `folder`; `undefined` where it may. */
function hidden(file, folder) {
  const namedBy = NAMED_BY.get(folder);
  if (namedBy === undefined || file === namedBy || isWithin(dirname(file), folder)) return undefined;
  return `${folder} is named by ${namedBy} alone`;
}

const downward = {
  create(context) {
    const file = relative(context.cwd, context.filename);
    const folder = dirname(file);
    const check = ({ source }) => {
      if (source === null || !source.value.startsWith('.')) return;
      const other = dirname(relative(context.cwd, resolve(dirname(context.filename), source.value)));
      const why = hidden(file, other) ?? wrongArrow(folder, other);
      if (why !== undefined) context.report({ node: source, message: `Import downward: ${why}.` });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: ({ source }) => source.type === 'Literal' && check({ source }),
    };
  },
};

export default { meta: { name: 'floors' }, rules: { downward } };
