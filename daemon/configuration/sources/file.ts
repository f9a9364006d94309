import { type Located, path } from '../value-types.ts';
import type { SourceKind, SourceSettings } from './kind.ts';

interface FileSettings extends SourceSettings {
  readonly path: Located<string>;
}

/** A recipe on this machine. */
export const fileKind: SourceKind<'file', FileSettings> = {
  keys: ['file'],
  placeholder: 'PATH',
  isOperators: true,
  parse(reader) {
    const file = reader.scalar('file', path);
    return file && { name: file.value, path: file };
  },
  describe: (settings) => ({ file: settings.path.value }),
  needs: (settings) => ({ place: settings.path }),
  async open({ name, path: { value } }) {
    const { fileSource } = await import('../../../wishlist/sources/fetch-file.ts');
    return fileSource({ name, path: value });
  },
};
