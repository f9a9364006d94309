import { Failure } from '../../../core/failure.ts';
import { formatPlatform } from '../../../core/oci/platform.ts';
import { counted } from '../../../core/text.ts';
import { parsePlatformName, platformName } from '../../../publisher/image/layout.ts';
import { findPublished } from '../../../publisher/published/find-published.ts';
import { previewRemoval, removeNames, type RemovalReport } from '../../../publisher/removal/removal.ts';
import { configurationInvalid } from '../../configuration/problems.ts';
import { withPublishing } from '../../cycle/publishing.ts';
import type { Context } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { wakeDaemon } from '../../service/control.ts';
import { withState } from '../../state/open-state.ts';
import type { WishRecord } from '../../state/state.ts';
import { assertKnownRepository } from '../known.ts';
import {
  meantBy,
  namedImage,
  meantRepositories,
  nothingIsCalled,
  recoveredView,
  type NamedImage,
} from '../named-images.ts';

/** What goes of one repository. */
interface Removal {
  readonly repository: string;
  readonly names: readonly string[];
}

export async function removeImages(context: Context): Promise<ExitStatus> {
  const { held } = context.configuration;
  if (held !== undefined) return await confirmHeld(context, held);
  if (context.arguments.length === 0)
    throw configurationInvalid(['no image is named'], 'name one: "unpackd remove IMAGE"');
  const removals = await meantRemovals(context);
  const { dryRun, state } = context.configuration;
  const options = { nowMs: Date.now(), takesByHand: true };
  const reports: (Pick<RemovalReport, 'removed' | 'kept'> & { readonly repository: string })[] = [];
  await withPublishing(context, false, async ({ pool }) => {
    for (const { repository, names } of removals) {
      const all = names.map((name) => ({ name, reason: 'by hand' }));
      const report = await pool.useWithoutSpool(repository, async (publisher) =>
        dryRun ? await previewRemoval(publisher, all, options) : await removeNames(publisher, all, options),
      );
      reports.push({ repository, ...report });
    }
  });
  if (!dryRun) {
    await withState(context, async ({ images }) => {
      for (const { repository, removed } of reports)
        await images.remove(repository, removed.map(recordedName));
    });
    await wakeDaemon(state);
  }
  return tell(context, reports);
}

function recordedName(name: string): { publicName: string; platform: string } {
  const { publicName, platform } = parsePlatformName(name);
  return { publicName, platform: formatPlatform(platform) };
}

/** @throws Failure `argument-unknown`, `still-wanted` */
async function meantRemovals(context: Context): Promise<Removal[]> {
  const removals: Removal[] = [];
  const all: NamedImage[] = [];
  const found = new Set<string>();
  for (const [repository, wishes] of await meantRepositories(context)) {
    const images = await imagesOf(context, repository);
    for (const image of images) all.push(image);
    const meant = context.arguments.flatMap((argument) => {
      const some = meantBy(argument, images);
      if (some.length > 0) found.add(argument);
      return some;
    });
    for (const { publicName } of meant) refuseWanted(repository, publicName, wishes);
    const names = [...new Set(meant.map(({ name }) => name))];
    if (names.length > 0) removals.push({ repository, names });
  }
  for (const argument of context.arguments)
    if (!found.has(argument)) nothingIsCalled(argument, all, 'nothing is published as');
  return removals;
}

async function imagesOf(context: Context, repository: string): Promise<NamedImage[]> {
  const published = await findPublished(await recoveredView(context, repository));
  return published.map(({ publicName, platform }) => namedImage(platformName(platform, publicName)));
}

/** What a line asks for would be back with the next cycle. */
function refuseWanted(repository: string, publicName: string, wishes: readonly WishRecord[]): void {
  const wish = wishes.find((one) => one.publicName === publicName);
  if (wish === undefined) return;
  const source = wish.source === undefined || wish.source === wish.file ? '' : `${wish.source} `;
  throw new Failure(
    'still-wanted',
    `${publicName} stays in ${repository}, since ${source}${wish.file}:${wish.line} asks for it: it would be published again`,
    { hint: 'remove that line: then the image goes by itself, or with this command at once' },
  );
}

const LATER =
  'Their trees stay until "unpackd gc" has found for the whole grace period that nothing refers to them.';

function tell(
  { configuration: { dryRun }, output }: Context,
  reports: readonly (Pick<RemovalReport, 'removed' | 'kept'> & { readonly repository: string })[],
): ExitStatus {
  const done = dryRun ? 'would remove' : 'removed';
  const lines = reports.flatMap(({ repository, removed, kept }) => [
    ...removed.map((name) => `${done} ${name} from ${repository}`),
    ...[...kept].map(([name, why]) => `kept ${name} in ${repository}: ${why}`),
  ]);
  const isAny = reports.some(({ removed }) => removed.length > 0);
  if (isAny) lines.push(LATER);
  output.print(`${lines.join('\n')}\n`, {
    isDryRun: dryRun,
    repositories: reports.map(({ repository, removed, kept }) => ({
      repository,
      removed,
      kept: Array.from(kept, ([name, reason]) => ({ name, reason })),
    })),
  });
  return reports.every(({ kept }) => kept.size === 0) ? 0 : 1;
}

/** Lets go what a plan wants to remove, and does not since it is doubtful: the daemon does so in its next cycle. */
async function confirmHeld(context: Context, repository: string): Promise<ExitStatus> {
  if (context.arguments.length > 0)
    throw configurationInvalid(
      ['--held takes a repository, and no images'],
      'leave out the images: "unpackd remove --held REPOSITORY"',
    );
  await assertKnownRepository(context, repository);
  const { configuration, output } = context;
  const holds = await withState(context, async ({ removals }) =>
    configuration.dryRun ? await removals.holds(repository) : await removals.confirm(repository, Date.now()),
  );
  if (!configuration.dryRun) await wakeDaemon(configuration.state);
  const lines = holds.map(({ message }) => `${configuration.dryRun ? 'held' : 'confirmed'}: ${message}`);
  const next = `confirmed ${counted(holds.length, 'hold')}: the next cycle removes what they held`;
  const text = holds.length === 0 ? [`nothing is held back in ${repository}`] : lines;
  const last = holds.length === 0 || configuration.dryRun ? [] : [next];
  output.print(`${[...text, ...last].join('\n')}\n`, {
    isDryRun: configuration.dryRun,
    repository,
    confirmed: configuration.dryRun ? [] : holds,
    held: configuration.dryRun ? holds : [],
  });
  return 0;
}
