import type { Context } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { imageArgument, unknownImage } from '../known.ts';
import type { State } from '../../state/state.ts';
import { withReadState } from '../../state/open-state.ts';
import { imageStatusText, readImageStatus } from '../../status/image.ts';
import { isWell, readStatus } from '../../status/report.ts';
import { statusText } from '../../status/text.ts';

export async function status(context: Context): Promise<ExitStatus> {
  const [image] = context.arguments;
  return await withReadState(context, async (state) =>
    image === undefined ? await showAll(context, state) : await showImage(context, state, image),
  );
}

async function showAll(
  { configuration, configurationFailure, output }: Context,
  state: State,
): Promise<ExitStatus> {
  const report = await readStatus(state, configuration.state, configurationFailure);
  const isFine = isWell(report);
  output.print(statusText(report), { isWell: isFine, ...report });
  return isFine ? 0 : 1;
}

async function showImage({ output }: Context, state: State, image: string): Promise<ExitStatus> {
  const images = await readImageStatus(state, imageArgument(image));
  if (images.length === 0) throw await unknownImage(state, image);
  output.print(imageStatusText(images, Date.now()), { images });
  const isFine = images.every(({ failing, published }) => failing === undefined && published.length > 0);
  return isFine ? 0 : 1;
}
