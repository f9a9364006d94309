import { isOutputName, OUTPUT_FORMS } from '../../../core/outputs.ts';
import type { ReadyImage, NamedImage } from '../../../publisher/image/image.ts';
import { metadataFile, type FileEntry } from '../../../publisher/publication/entry.ts';
import {
  NOTHING_CHANGES,
  NOTHING_PLANNED,
  type Collector,
  type CollectorContext,
  type ImagePlan,
  type Output,
  type OutputChanges,
} from '../../../publisher/outputs/output.ts';

/**
 * An output that publishes a line of text for each image, in `.toy`. Node loads it before unpackd
 * (`--import`); what is at its end would be a line in `core/outputs.ts`, and one in `publisher/outputs/outputs.ts`.
 */
const NAME = 'toy';

/** By public name: made while the repository is not held. */
const prepared = new Map<string, string>();

class Lines implements Collector {
  readonly #context: CollectorContext;
  readonly #files: FileEntry[] = [];

  constructor(context: CollectorContext) {
    this.#context = context;
  }

  async plan(image: ReadyImage): Promise<ImagePlan> {
    const text = prepared.get(image.publicName);
    if (text === undefined) return await Promise.resolve(NOTHING_PLANNED);
    const file = metadataFile(pathOf(image), Buffer.from(text), this.#context.attributes);
    return { ...NOTHING_PLANNED, entries: [file], take: () => this.#files.push(file) };
  }

  async changes(): Promise<OutputChanges> {
    return await Promise.resolve({ ...NOTHING_CHANGES, names: this.#files });
  }
}

function pathOf({ publicName }: NamedImage): string {
  return `.toy/${publicName}.txt`;
}

function lineOf({ manifest }: NamedImage): string {
  return `${manifest.layers.length} layers of ${manifest.config.digest}\n`;
}

Object.assign(OUTPUT_FORMS, { [NAME]: { folder: '.toy' } });
if (!isOutputName(NAME)) throw new Error('the line above declares it');
const toyOutput: Output = {
  name: NAME,
  prepare: async (image) => void prepared.set(image.publicName, await Promise.resolve(lineOf(image))),
  collect: (context) => new Lines(context),
  isPublished: async (view, image) => (await view.read(pathOf(image)))?.toString() === lineOf(image),
};

const { OUTPUTS } = await import('../../../publisher/outputs/outputs.ts');
OUTPUTS.push(toyOutput);
