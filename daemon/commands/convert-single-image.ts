import { Failure } from '../../wishlist/failure.ts';
import { expandWishes } from '../../wishlist/expand.ts';
import { parseReference, publicName } from '../../wishlist/reference.ts';
import { isRepositoryName } from '../../wishlist/repository-name.ts';
import { NO_SETTINGS } from '../../wishlist/settings.ts';
import { wishOf } from '../../wishlist/wish.ts';
import type { Command } from '../command.ts';
import { publishEverywhere, statusOf, withRegistry } from '../publishing.ts';

export const convertSingleImageCommand: Command = {
  name: 'convert-single-image',
  summary: 'Publish one image, or all that a tag pattern means',
  arguments: [
    { name: 'IMAGE', description: 'REGISTRY/REPOSITORY[:TAG][@DIGEST]; * in the tag stands for anything' },
    { name: 'REPOSITORY', description: 'where to publish it, such as unpacked.example.org' },
  ],
  examples: [
    {
      line: 'unpackd convert-single-image docker.io/library/alpine:3.20 images.local',
      meaning: 'into a directory tree, the default',
    },
    {
      line: "unpackd convert-single-image --backend cvmfs 'ghcr.io/user/image:v1.*' unpacked.example.org",
      meaning: 'all tags that begin with v1., on a release manager',
    },
  ],
  options: ['backend', 'root', 'state'],
  run: async (context) => {
    const [image = '', name = ''] = context.arguments;
    const reference = parseReference(image);
    assertRepositoryName(name);
    return await withRegistry(context, async (client) => {
      const { platforms } = context.configuration;
      const wish = wishOf({ text: image, reference }, 1, { ...NO_SETTINGS, platforms });
      const { images, failures, problems } = await expandWishes(
        [wish],
        async (pattern) => await client.listTags(pattern),
      );
      for (const { failure } of failures) throw failure;
      for (const { message, hint } of problems) {
        if (images.length === 0)
          throw new Failure('pattern-unmatched', message, { ...(hint !== undefined && { hint }) });
        context.observe({ type: 'warning', message });
      }
      const repositories = await publishEverywhere(context, client, [
        {
          name,
          images: images.map(({ reference: wished, platforms: wanted }) => ({
            reference: wished,
            publicName: publicName(wished),
            platforms: wanted,
            outputs: undefined,
          })),
        },
      ]);
      context.output.report({ unusable: [], repositories });
      return statusOf(repositories);
    });
  },
};

function assertRepositoryName(name: string): void {
  if (isRepositoryName(name)) return;
  throw new Failure('configuration-invalid', `${JSON.stringify(name)} is no name of a repository`, {
    hint: 'write a name such as unpacked.example.org: letters, digits, dots and dashes',
  });
}
