import { Failure } from '../../wishlist/failure.ts';
import type { BytePath } from '../repository/entry.ts';

const LONGEST_NAME_BYTES = 255;

/**
 * The place that a member's name means below the root: `./`, leading and doubled slashes go; the root itself is ''.
 *
 * @throws Failure `layer-refused` for `..`, a NUL or a component of over 255 bytes: no file system could hold it, or
 *   it would lead out of the tree
 */
export function memberPath(name: string): BytePath {
  if (isPlain(name)) return name;
  const components = name.split('/').filter((component) => component !== '' && component !== '.');
  for (const component of components) checkComponent(component, name);
  return components.join('/');
}

/** Most names: nothing to take off and nothing to refuse, told without splitting. */
function isPlain(name: string): boolean {
  return (
    name.length <= LONGEST_NAME_BYTES && name !== '' && !/^\/|\/$|\/\/|(^|\/)\.{1,2}(\/|$)|\0/.test(name)
  );
}

function checkComponent(component: string, name: string): void {
  if (component === '..') throw refused(name, 'leads out of the image by ".."');
  if (component.includes('\0')) throw refused(name, 'holds a NUL');
  if (component.length > LONGEST_NAME_BYTES)
    throw refused(name, `has a component of ${component.length} bytes`);
}

function refused(name: string, reason: string): Failure {
  const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
  return new Failure('layer-refused', `the layer's member ${shown} ${reason}`, {
    hint: 'such a layer cannot be unpacked safely: rebuild the image',
  });
}
