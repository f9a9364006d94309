import { Failure, type FailureCode } from '../../core/failure.ts';
import type { ListTags } from '../../wishlist/meaning/tag-lists.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import { position } from '../../wishlist/recipe/problem.ts';
import { Suggestions } from '../checking/suggestions.ts';
import { TagLists } from '../checking/tag-lists.ts';
import type { WorkParts } from './repository-work.ts';

/** What whoever wrote the line may mend. */
const OF_THE_LINE: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'tag-unknown',
  'image-unknown',
  'unauthorized',
  'forbidden',
  'dns-failed',
  'address-refused',
  'platform-missing',
  'media-type-unsupported',
]);

export interface ExplainOptions {
  readonly listTags: ListTags;
  /** All that is asked for, once it is known. */
  readonly images: () => readonly WishedImage[];
  /** Whether the images are asked for by lines of recipes. */
  readonly hasLines: boolean;
}

/**
 * Says of an image that is not there which line asks for it and which other one may be meant, as "wishlist check" does. It
 * asks for tag lists, so it is for runs that somebody waits for.
 */
export function createExplain({
  listTags,
  images,
  hasLines,
}: ExplainOptions): NonNullable<WorkParts['explain']> {
  let suggestions: Suggestions | undefined;
  return explain;

  async function explain({ reference, wishes }: WishedImage, failure: Failure): Promise<Failure> {
    if (!OF_THE_LINE.has(failure.code)) return failure;
    suggestions ??= new Suggestions(
      new TagLists(listTags),
      images().map((image) => image.reference),
    );
    const hint = (await suggestions.for(reference, failure)) ?? failure.hint;
    const [first] = wishes;
    const place =
      first === undefined || !hasLines
        ? ''
        : `${position(first.recipe.file, { line: first.wish.line, column: undefined })} `;
    const options = { cause: failure, ...(hint !== undefined && { hint }) };
    return new Failure(failure.code, `${place}${failure.message}`, options);
  }
}
