import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseReference } from '../../core/oci/reference.ts';
import type { SourceKind, SourceSettings } from '../../daemon/configuration/sources/kind.ts';
import { SOURCE_KINDS } from '../../daemon/configuration/sources/kinds.ts';
import { string } from '../../daemon/configuration/value-types.ts';
import { Failure } from '../../core/failure.ts';
import { NO_SETTINGS } from '../../wishlist/recipe/settings.ts';
import { wishOf } from '../../wishlist/recipe/wish.ts';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { runHere, type OutcomeHere } from '../support/e2e/unpackd.ts';

interface ToySettings extends SourceSettings {
  readonly image: string;
}

let isDown = false;

/** A source that asks for one image, without YAML. */
const toyKind: SourceKind<'toy', ToySettings> = {
  keys: ['toy'],
  placeholder: 'IMAGE',
  isOperators: true,
  parse(reader) {
    const image = reader.scalar('toy', string)?.value;
    return image === undefined ? undefined : { name: 'a toy', image };
  },
  describe: ({ image }) => ({ toy: image }),
  open: async ({ name, image }) =>
    await Promise.resolve({
      name,
      identity: ['toy', image],
      form: z.object({ image: z.string() }),
      async fetch() {
        if (isDown) throw new Failure('source-unreachable', 'the toy is broken', { hint: 'mend it' });
        return await Promise.resolve({ content: { image } });
      },
      read(content: { readonly image: string }) {
        const wish = wishOf(
          { text: content.image, reference: parseReference(content.image) },
          1,
          NO_SETTINGS,
        );
        const recipe = { file: name, repositories: [REPOSITORY], defaults: NO_SETTINGS, problems: [] };
        return { recipes: [{ ...recipe, wishes: [wish] }] };
      },
    }),
};

describe('e2e/toy-source', () => {
  let registry: TestRegistry;
  let site: Site;
  let image: string;
  let config: string;

  before(() => SOURCE_KINDS.push(toyKind));

  after(() => SOURCE_KINDS.splice(SOURCE_KINDS.indexOf(toyKind), 1));

  beforeEach(async () => {
    isDown = false;
    registry = await TestRegistry.start();
    site = await Site.make('directory');
    image = registry.add('lab/image', 'toy', await smallImage('toy'));
    config = join(site.folder, 'unpackd.yaml');
    writeFileSync(config, `sources:\n  - toy: ${image}\n`);
  });

  afterEach(async () => await registry.close());

  async function unpackd(...words: readonly string[]): Promise<OutcomeHere> {
    return await runHere([...words, '--config', config, ...site.options]);
  }

  const isPublished = (): boolean => existsSync(site.path(image.replace('http://', '')));

  it('publishes what it asks for', async () => {
    const { status, stderr } = await unpackd('convert');
    assert.equal(status, 0, stderr);
    assert.ok(isPublished());
    assert.match((await unpackd('status')).stdout, /^ +a toy/m);
  });

  it('is listed, and in force while it fails', async () => {
    const listed = await unpackd('wishlist', 'sources');
    assert.match(listed.stdout, /^a toy: in force since .*, 1 wish, 0 errors/);
    isDown = true;
    const failing = await unpackd('wishlist', 'sources', '--json');
    const [state] = z
      .tuple([
        z.object({
          name: z.string(),
          content: z.object({ wishes: z.number() }),
          failure: z.object({ code: z.string() }),
        }),
      ])
      .parse(JSON.parse(failing.stdout));
    assert.deepEqual(state, {
      name: 'a toy',
      content: { wishes: 1 },
      failure: { code: 'source-unreachable' },
    });
    assert.equal((await unpackd('convert')).status, 0);
    assert.ok(isPublished());
  });

  it('is checked and shown', async () => {
    assert.equal((await unpackd('config', 'check')).status, 0);
    const { stdout } = await unpackd('config', 'show');
    assert.match(stdout, new RegExp(`toy +${image}`));
  });

  it('is named where no kind fits', async () => {
    writeFileSync(config, 'sources: [{nothing: x}]\n');
    const { status, stderr } = await unpackd('convert');
    assert.equal(status, 2);
    assert.match(stderr, /one of git: ADDRESS, file: PATH, url: ADDRESS and toy: IMAGE/);
  });
});
