import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Image } from '../images/image.ts';
import { writeLayout } from '../images/layout.ts';
import { ImageStore } from '../images/store.ts';
import { temporaryDirectory } from '../setup.ts';
import { isAddedForApptainer } from '../trees/apptainer-files.ts';
import { snapshot, type Snapshot } from '../trees/snapshot.ts';

const run = promisify(execFile);

/** The root file system of `image` as umoci unpacks it; needs that program. */
export async function unpackedByUmoci(image: Image): Promise<string> {
  const folder = await temporaryDirectory('umoci');
  const store = new ImageStore();
  store.add('reference', image, 'tag');
  await writeLayout(store, 'reference', folder);
  const root = join(folder, 'root');
  await run('umoci', ['raw', 'unpack', '--image', `${folder}:tag`, root]);
  return root;
}

/** What an image holds at `root`, whoever unpacked it: without what is published beside it. */
export async function imageTree(root: string): Promise<Snapshot> {
  return await snapshot(root, { ignore: isAddedForApptainer });
}
