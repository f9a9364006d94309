import type { ExitStatus } from '../../output/exit-status.ts';
import type { Context } from '../../output/context.ts';
import { Failure } from '../../../core/failure.ts';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import type { ListTags } from '../../../wishlist/meaning/tag-lists.ts';
import { isRepositoryName } from '../../../core/oci/repository-name.ts';
import { quoted } from '../../../core/text.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { NO_SETTINGS } from '../../../wishlist/recipe/settings.ts';
import { wishOf } from '../../../wishlist/recipe/wish.ts';
import { configuredPolicy, configuredSettings } from '../../configuration/limits.ts';
import { createExplain } from '../../checking/suggestions.ts';
import { markByHand } from '../../../publisher/removal/mark-by-hand.ts';
import { workOn, type RepositoryReport } from '../../cycle/repository-work.ts';
import { statusOf, tellUnusable, withPublishing } from '../../cycle/publishing.ts';
import { warnOfEmptyImages } from './convert.ts';
import { assertRepositoryName } from '../../configuration/repositories.ts';

export async function convertSingleImage(context: Context): Promise<ExitStatus> {
  const [image = '', name = ''] = context.arguments;
  assertOrder(image, name);
  const reference = parseReference(image);
  assertRepositoryName(name);
  warnOfEmptyImages(context);
  return await withPublishing(context, false, async (parts) => {
    const settings = configuredSettings(context.configuration);
    const wishes = [wishOf({ text: image, reference }, 1, settings)];
    const recipe = { file: image, repositories: [name], defaults: NO_SETTINGS, wishes, problems: [] };
    const listTags: ListTags = async (pattern) => await parts.client.listTags(pattern);
    const { images, failures, problems } = await expandRecipes(
      [recipe],
      listTags,
      NO_SETTINGS,
      configuredPolicy(context.configuration),
    );
    for (const { failure } of failures) throw failure;
    for (const { problem } of problems) {
      const { code, message, hint } = problem;
      if (code === 'pattern-too-wide') throw new Failure(code, message, { hint: TOO_WIDE });
      if (code === 'registry-not-allowed') throw new Failure('not-allowed', message, { hint: NOT_ALLOWED });
      if (images.length === 0) throw new Failure('pattern-unmatched', message, { hint });
      context.observe({ type: 'warning', message });
    }
    const wanted = images.map((one) => Object.assign({}, one, { isByHand: true }));
    const task = { repository: name, wanted, known: undefined };
    const explain = createExplain(listTags, () => images, false);
    const repositories = [await workOn(task, { ...parts, explain })];
    const unchanged = unchangedIn(repositories);
    if (unchanged.length > 0)
      await parts.pool.useWithoutSpool(name, async (publisher) => await markByHand(publisher, unchanged));
    tellUnusable(context, repositories);
    context.output.report({ unusable: [], repositories });
    return statusOf(repositories);
  });
}

/** Public names of images that were published before: maybe for others, who no longer ask for them one day. */
function unchangedIn(reports: readonly RepositoryReport[]): string[] {
  const results = reports.flatMap(({ images }) => images.map(({ result }) => result));
  return results.flatMap((result) => (result.outcome === 'unchanged' ? [result.publicPath] : []));
}

/** A name of a repository has no slash, an image has one. */
function assertOrder(image: string, repository: string): void {
  if (!isRepositoryName(image) || !repository.includes('/')) return;
  const message = `${quoted(image)} is the name of a repository, and ${quoted(repository)} an image`;
  throw new Failure('reference-invalid', message, { hint: 'name the image first, then the repository' });
}

const NOT_ALLOWED = 'allow the registry with --allowed-registries';
/** No recipe line can allow more here. */
const TOO_WIDE = 'narrow the pattern, or allow more tags with --pattern-limit';
