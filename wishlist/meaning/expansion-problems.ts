import type { Failure } from '../../core/failure.ts';
import { aboutLine, position, type Problem } from '../recipe/problem.ts';
import { quoted, counted } from '../../core/text.ts';
import { formatReference, type ImageReference } from '../../core/oci/reference.ts';
import type { TagSelection } from '../tags/tag-selection.ts';
import type { Wish } from '../recipe/wish.ts';
import type { RecipeProblem, RecipeWish, WishedImage } from './wished-image.ts';
import type { Conflict } from './wished-images.ts';
import { groupBy } from '../../core/group-by.ts';

/** Tags that a message names. */
const EXAMPLES = 3;

/** Tags that a pattern matches. */
export interface Matching {
  /** Only some where they are too many. */
  readonly tags: readonly string[];
  readonly count: number;
}

/** Keeps only examples where there are more than `limit`. */
export function atMost(limit: number, tags: readonly string[]): Matching {
  return { tags: tags.length > limit ? tags.slice(0, EXAMPLES) : tags, count: tags.length };
}

/** A pattern that means none of the `tags` tags of its repository. */
export function unmatched(wish: Wish, { include }: TagSelection, tags: number): Problem {
  return {
    ...aboutLine(wish, 'warning'),
    code: 'pattern-unmatched',
    message: `${quoted(wish.text)} matches nothing: the repository has ${counted(tags, 'tag')}, and none matches ${include.map(quoted).join(' or ')}`,
    hint: 'correct the pattern or remove the line; a pattern matches a whole tag',
  };
}

/**
 * Tags, at least one, that a pattern matches and that are not of images.
 *
 * @param kinds the kinds of artifact, where known
 */
export function passedOver(wish: Wish, { tags, count }: Matching, kinds: readonly string[] = []): Problem {
  const [first = ''] = tags;
  const distinct = [...new Set(kinds)].sort();
  const what = distinct.length === 0 ? 'signatures and the like' : distinct.join(', ');
  const such = count === 1 ? quoted(first) : `${count} tags, such as ${quoted(first)}`;
  return {
    ...aboutLine(wish, 'note'),
    code: 'artifacts-passed-over',
    message: `${quoted(wish.text)} also matches ${such}: no container images, but ${what}; passed over`,
    hint: undefined,
  };
}

/** The same for `images` that turned out not to be images, one problem for each pattern. */
export function passedOverProblems(
  images: readonly WishedImage[],
  kindOf: (image: WishedImage) => string | undefined,
): RecipeProblem[] {
  const byWish = groupBy(images, ({ wishes: [first] }) => first);
  return [...byWish].flatMap(([line, ofWish]) => {
    if (line === undefined) return [];
    const { recipe, wish } = line;
    const tags = ofWish.map(({ reference }) => reference.tag ?? '');
    const problem = passedOver(
      wish,
      atMost(0, tags),
      ofWish.map(kindOf).filter((kind) => kind !== undefined),
    );
    return [{ recipe, problem }];
  });
}

/** A pattern for which the registry's list may lack tags. */
export function incomplete(wish: Wish, tags: number): Problem {
  return {
    ...aboutLine(wish, 'warning'),
    code: 'tags-incomplete',
    message: `${quoted(wish.text)} may match more than is known: the list of ${wish.reference.registry} ends after ${tags} tags, as a page does, and what may follow cannot be read`,
    hint: 'nothing that it may match is removed; name further tags one by one, or ask whoever runs the registry',
  };
}

/** A tag that a pattern matches and that `failure` keeps from being published. */
export function unusableTag(wish: Wish, { message, hint }: Failure): Problem {
  return {
    ...aboutLine(wish, 'warning'),
    code: 'tag-unusable',
    message: `${quoted(wish.text)} matches a tag that cannot be published: ${message}`,
    hint,
  };
}

/** Limits on the tags that a pattern may match. */
export interface PatternLimit {
  readonly tags: number;
  /** The operator's limit, which its own may not exceed. */
  readonly most: number;
}

/** Stands for all further problems of a recipe, the first of which is `problem`. */
export function furtherProblems({ line }: Problem): Problem {
  return {
    ...aboutLine({ line, text: 'recipe' }, 'error'),
    code: 'problems-omitted',
    message: 'further problems from here on are not reported',
    hint: 'correct the reported ones first',
  };
}

/** A pattern that means more tags than it may. */
export function tooWide(wish: Wish, { tags, count }: Matching, { tags: limit, most }: PatternLimit): Problem {
  const examples = tags.slice(0, EXAMPLES).map(quoted).join(', ');
  return {
    ...aboutLine(wish, 'error'),
    code: 'pattern-too-wide',
    message: `${quoted(wish.text)} matches ${counted(count, 'tag')}, such as ${examples}, and the limit is ${limit}: none of them is taken`,
    hint:
      count <= most
        ? `narrow the pattern, or allow so many with limit: ${count} at the wish (recipe version 2)`
        : 'narrow the pattern, or ask the operator to allow so many: with limit at the source, or pattern-limit for all',
  };
}

/** Patterns that take too long to compare with so many tags. */
export function tooCostly(wish: Wish, tags: number): Problem {
  return {
    ...aboutLine(wish, 'error'),
    code: 'pattern-too-costly',
    message: `${quoted(wish.text)} has too many patterns for the ${counted(tags, 'tag')} of its repository, with those of its source before it: none of them is taken`,
    hint: 'write fewer patterns, with less in braces',
  };
}

/** A wish with which a source means more images than it may. */
export function tooManyImages(wish: Wish, limit: number): Problem {
  return {
    ...aboutLine(wish, 'error'),
    code: 'images-too-many',
    message: `with ${quoted(wish.text)} its source means more than ${limit} images, each counted for each platform: none of the line is taken`,
    hint: 'narrow patterns, or ask the operator to allow more with source-image-limit',
  };
}

/** Images of one line, at least one, whose public names others have. */
export function conflictProblem({ wish }: RecipeWish, conflicts: readonly Conflict[]): Problem {
  const [first] = conflicts;
  if (first === undefined) throw new Error('there is no conflict');
  const { image, other } = first;
  const ofImage = conflicts.filter((conflict) => conflict.image.publicName === image.publicName);
  const repositories = [...new Set(ofImage.flatMap((conflict) => conflict.repositories))];
  const rest = new Set(conflicts.map((conflict) => conflict.image.publicName)).size - 1;
  const more = rest === 0 ? '' : `; ${rest} more of its images likewise`;
  const place =
    image.publicName === other.publicName ? 'has that name' : `has the name ${quoted(other.publicName)}`;
  const relation = image.publicName === other.publicName ? '' : ', and one cannot be below the other';
  return {
    ...aboutLine(wish, 'error'),
    code: 'name-conflict',
    message: `${addressOf(image.reference)} cannot be published as ${quoted(image.publicName)} in ${repositories.join(' and ')}: ${addressOf(other.reference)} of ${placeOf(other.wishes)} ${place}${relation}${more}`,
    hint:
      image.reference.scheme !== other.reference.scheme &&
      formatReference(image.reference) === formatReference(other.reference)
        ? 'write both lines with the same scheme'
        : 'give one of them another subdirectory',
  };
}

function addressOf(reference: ImageReference): string {
  return `${reference.scheme}://${formatReference(reference)}`;
}

function placeOf([first]: readonly RecipeWish[]): string {
  if (first === undefined) throw new Error('nobody asks for the image');
  return position(first.recipe.file, { line: first.wish.line, column: undefined }).slice(0, -1);
}
