import { Composer, type Composition } from '../../../publisher/compose/composer.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import { RegistryClient } from '../../../publisher/registry/client.ts';
import type { Publication } from '../../../publisher/publication/backend.ts';
import { Spool } from '../../../publisher/spool/spool.ts';
import type { Stage } from './dying.ts';

// Loaded before unpackd's own modules, by `dyingOf`.
const { TEST_DIE_OF: name = '', TEST_DIE_BY: how } = process.env;
const stage = process.env['TEST_DIE_AT'] as Stage | undefined;

switch (stage) {
  case 'looking':
    before(RegistryClient.prototype, 'fetchManifest', isNamed);
    break;
  case 'fetching':
    before(Spool.prototype, 'fetch', (_client, reference) => isNamed(reference));
    break;
  case 'listing':
    before(ListingStore.prototype, 'save', (_layer, { items }) =>
      [...items].some(({ path }) => path.includes(name)),
    );
    break;
  case 'composing':
    before(Composer.prototype, 'add', ({ reference }) => isNamed(reference));
    break;
  case 'publishing':
    whilePublished();
    break;
  case undefined:
    break;
}

function isNamed({ repository }: { readonly repository: string }): boolean {
  return repository.includes(name);
}

/** Dies when the method `method` is called for what `isIt`. */
function before<Subject extends object, Method extends keyof Subject>(
  subject: Subject,
  method: Method,
  isIt: Subject[Method] extends (...values: infer Values) => unknown ? (...values: Values) => boolean : never,
): void {
  const original = subject[method] as (...values: unknown[]) => unknown;
  Object.defineProperty(subject, method, {
    value(this: unknown, ...values: unknown[]) {
      if ((isIt as (...values: unknown[]) => boolean)(...values)) die();
      return original.apply(this, values);
    },
  });
}

function whilePublished(): void {
  const prototype: { composition: () => Promise<Composition> } = Composer.prototype;
  const original = prototype.composition;
  prototype.composition = async function composed() {
    const made = await original.call(this);
    return { ...made, publication: deadly(made.publication) };
  };
}

function deadly(publication: Publication): Publication {
  async function* trees(): ReturnType<typeof publication.trees> extends AsyncIterable<infer E>
    ? AsyncGenerator<E>
    : never {
    for await (const slice of publication.trees()) {
      yield slice;
      if (slice.some(({ path }) => path.endsWith(`/${name}`))) die();
    }
  }
  return { ...publication, trees };
}

function die(): void {
  if (how === 'callback') {
    setImmediate(() => {
      throw new RangeError('thrown in a callback');
    });
    return;
  }
  if (how === 'SIGKILL') process.kill(process.pid, 'SIGKILL');
  for (const held: string[] = []; ;)
    held.push(...Array.from({ length: 1000 }, (_, index) => `${index} ${held.length}`));
}
