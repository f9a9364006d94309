import { z } from 'zod';
import { ownFolders, outputNames } from '../../core/outputs.ts';
import { KEEP, MAXIMUM_KEPT_DIGESTS } from './settings.ts';
import { RECIPE_LIMITS } from './limits.ts';

/**
 * The JSON Schema (draft-07) of recipes, for editors. It knows what can be said of one value: what depends on several,
 * such as `tags` beside an image with a tag, and the exact form of references, patterns and paths only `parseRecipe`
 * checks. It is stricter than that in one way: what is a warning there, such as an unknown key in version 1, is an error here.
 *
 * @see https://json-schema.org/draft-07
 */
export function recipeJsonSchema(): object {
  const schema = z.toJSONSchema(z.union([versionOne, versionTwo]), {
    target: 'draft-7',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === versionTwo) jsonSchema.oneOf = ['repositories', 'cvmfs_repo'].map(needing);
    },
  });
  return { ...schema, title: 'Recipe of unpackd: a wishlist of container images' };
}

const COMPONENT = '[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*';
const REGISTRY = '(?:[^\\s/@]*[.:\\[][^\\s/@]*|[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt])';
const NAME = `\\s*(?:[Hh][Tt][Tt][Pp][Ss]?://)?${REGISTRY}/${COMPONENT}(?:/${COMPONENT})*`;
const DIGEST = '(?:@sha256:[0-9a-f]{64})?\\s*';

const imageOfOne = z
  .string()
  .regex(new RegExp(`^${NAME}(?::[A-Za-z0-9_*][A-Za-z0-9._*-]{0,127})?${DIGEST}$`))
  .describe('An image: REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST]. In the tag, * stands for any characters.');

const imageOfTwo = z
  .string()
  .regex(new RegExp(`^${NAME}(?::[^\\s@/]+)?${DIGEST}$`))
  .describe('An image: REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST]. The tag may be a pattern.');

const repository = z
  .string()
  .regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/)
  .describe('The fully qualified name of a CVMFS repository, such as unpacked.example.org.');

const platforms = oneOrMore(
  z
    .string()
    .regex(/^\s*[Ll][Ii][Nn][Uu][Xx]\/[A-Za-z0-9_-]+(?:\/[A-Za-z0-9._-]{1,32})?\s*$/)
    .meta({ examples: ['linux/amd64', 'linux/arm64', 'linux/arm/v7'] }),
).describe('For which platforms images are published: linux/ARCHITECTURE[/VARIANT].');

const outputs = oneOrMore(z.enum(outputNames())).describe(
  'In which forms images are published. Chains and podman need layers.',
);

const keepTime = z
  .string()
  .regex(KEEP)
  .meta({ examples: ['forever', '30d'] });
const keptDigests = z.int().min(1).max(MAXIMUM_KEPT_DIGESTS);

const keep = z
  .union([
    keepTime,
    keptDigests,
    z
      .array(z.union([keepTime, keptDigests]))
      .min(1)
      .max(2),
  ])
  .describe(
    'How long an image stays published that nobody asks for any more: forever, or days such as 30d; how many images that a tag led to before stay, found by their digests; or both, such as [30d, 3].',
  );

const tagPattern = z.string().min(1).max(1000);

const exclude = oneOrMore(tagPattern).describe('Tags, or patterns of tags, that patterns do not mean.');

const subdirectory = z
  .string()
  .max(200)
  .regex(
    new RegExp(
      `^(?![^/]*[.])(?!(?:${ownFolderPattern()})(?:/|$))(?:[A-Za-z0-9_][A-Za-z0-9._-]*/){0,9}[A-Za-z0-9_][A-Za-z0-9._-]*$`,
    ),
  )
  .describe(
    'Where images appear: goes before their public names. Its first component has no dot, and is none of unpackd’s own folders.',
  );

/** Names of our own without a dot, in any case: patterns of JSON Schema have no flags. */
function ownFolderPattern(): string {
  return ownFolders()
    .filter((name) => !name.includes('.'))
    .map((name) => name.replaceAll(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`))
    .join('|');
}

const limit = count('How many tags a pattern may match.');

const settings = {
  platforms: platforms.optional(),
  outputs: outputs.optional(),
  keep: keep.optional(),
  exclude: exclude.optional(),
  subdirectory: subdirectory.optional(),
  limit: limit.optional(),
};

const ignored = z
  .union([z.string(), z.number(), z.boolean()])
  .optional()
  .describe("DUCC's; read and not used.");

const wishOfOne = z.strictObject({ image: imageOfOne, platforms: platforms.optional() });

const wishOfTwo = z.strictObject({
  image: imageOfTwo,
  tags: oneOrMore(tagPattern)
    .optional()
    .describe(
      'Which tags, where the image has neither tag nor digest: tags, patterns, and exclusions with !.',
    ),
  newest: count('Of these tags, so many with the highest versions.').optional(),
  ...settings,
  repositories: oneOrMore(repository)
    .optional()
    .describe("Where it is published, among the recipe's repositories."),
});

const versionOne = z
  .strictObject({
    version: z.literal(1),
    user: ignored,
    cvmfs_repo: repository,
    output_format: ignored,
    platforms: platforms.optional(),
    input: input(imageOfOne, wishOfOne),
  })
  .describe('Version 1.');

const versionTwo = z
  .strictObject({
    version: z.literal(2),
    user: ignored,
    repositories: oneOrMore(repository).optional().describe('The CVMFS repositories to publish in.'),
    cvmfs_repo: repository.optional(),
    output_format: ignored,
    platforms: platforms.optional(),
    defaults: z
      .strictObject(settings)
      .optional()
      .describe('Settings for images that say nothing themselves.'),
    input: input(imageOfTwo, wishOfTwo),
  })
  .describe('Version 2: it has repositories, or cvmfs_repo for a single one.');

/** Requires `key`. The property, which allows anything, is for validators that look at known ones alone. */
function needing(key: string): z.core.JSONSchema.BaseSchema {
  return { type: 'object', required: [key], properties: { [key]: {} } };
}

function input<Image extends z.ZodType, Wish extends z.ZodType>(image: Image, wish: Wish) {
  return z
    .array(z.union([image, wish]))
    .describe(`The images to publish: ${RECIPE_LIMITS.wishes} where the operator does not say otherwise.`);
}

function oneOrMore<Item extends z.ZodType>(item: Item) {
  return z.union([item, z.array(item).min(1).max(RECIPE_LIMITS.entries)]);
}

function count(description: string) {
  return z.int().min(1).max(1_000_000).describe(description);
}
