import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import { nearest } from '../../core/text.ts';
import type { Context } from '../output/context.ts';
import { assertRepositoryName } from '../configuration/repositories.ts';
import type { State } from '../state/state.ts';
import { withReadState } from '../state/open-state.ts';

/**
 * Refuses a typo: a repository is known if the state has it, or if it is there below the root.
 *
 * @throws Failure `argument-unknown`; `configuration-invalid` for what cannot be a name; `state-unusable`
 */
export async function assertKnownRepository(
  context: Pick<Context, 'configuration'>,
  name: string,
): Promise<void> {
  assertRepositoryName(name);
  if (existsSync(join(context.configuration.root, name))) return;
  const known = await withReadState(context, async ({ repositories }) =>
    (await repositories.all()).map((row) => row.name),
  );
  if (known.includes(name)) return;
  const message = `no repository is called ${name}`;
  throw argumentUnknown(message, nearest(name, known), '"unpackd status" shows all');
}

/** An image named in an argument, without the scheme that it may have in a wishlist. */
export function imageArgument(text: string): string {
  return text.replace(/^https?:\/\//, '');
}

/** Failure `argument-unknown` for an image that the state does not know. */
export async function unknownImage(state: State, image: string): Promise<Failure> {
  const names = new Set<string>();
  for (const { name } of await state.repositories.all()) {
    const rows = [
      ...(await state.wishes.of(name)),
      ...(await state.images.of(name)),
      ...(await state.attempts.failing(name)).values(),
    ];
    for (const row of rows) {
      names.add(row.publicName);
      if (row.image !== undefined) names.add(row.image);
    }
  }
  return argumentUnknown(
    `nothing is known of ${image}`,
    nearest(image, [...names]),
    'write it as the wishlist does, with its registry and tag, or by its public name',
  );
}

/** `hint` applies where no near name is known. */
export function argumentUnknown(message: string, meant: string | undefined, hint: string): Failure {
  return new Failure('argument-unknown', message, {
    hint: meant === undefined ? hint : `did you mean ${meant}?`,
  });
}
