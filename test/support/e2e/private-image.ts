import { directory, file } from '../images/layer-entry.ts';
import { layer } from '../images/layer.ts';
import { storageWith } from '../registry/registry-storage.ts';

/** The storage of a registry that has `lab/private:1`: an image whose one file is `/etc/release`. */
export async function privateStorage(): Promise<string> {
  const { bytes, diffId, mediaType } = await layer([directory('etc/'), file('etc/release', 'private\n')]);
  return await storageWith({ bytes: Buffer.from(bytes), diffId, mediaType }, ['lab/private']);
}
