import { manifestPath } from '../image/layout.ts';
import { publisherAttributes } from '../publication/entry.ts';
import { byHandFile, isByHand } from '../published/name-notes.ts';
import { NameChanges } from './name-changes.ts';
import type { NamesPublisher } from './removal.ts';

/**
 * Notes that somebody asks by hand for images that are published already, under names as `platformName` gives them. Nothing is
 * published where all of them are marked.
 */
export async function markByHand(publisher: NamesPublisher, names: readonly string[]): Promise<void> {
  const unmarked: string[] = [];
  for (const name of names) if (!(await isByHand(publisher.view, name))) unmarked.push(name);
  if (unmarked.length === 0) return;
  await publisher.publish(
    async (repository) => {
      const { view } = repository;
      const attributes = publisherAttributes();
      const added = [];
      for (const name of unmarked)
        if ((await view.kindOf(manifestPath(name))) === 'file') added.push(byHandFile(name, attributes));
      if (added.length === 0) return undefined;
      const changes = new NameChanges(repository.view, { clientRoot: publisher.clientRoot, attributes });
      return (await changes.composition(repository, { added, gone: async () => [] })).publication;
    },
    `note on ${unmarked.length === 1 ? (unmarked[0] ?? '') : `${unmarked.length} images`} published by hand`,
  );
}
