import { isFailure } from '../../core/failure.ts';
import type { Problem } from './problem.ts';
import { quoted } from '../../core/text.ts';
import { formatReference, parseReference } from '../../core/oci/reference.ts';
import { looksLikeRegistry } from '../../core/oci/registry-host.ts';
import { holdsCredentials, withoutSecrets } from '../../core/secrets.ts';

/** The recipe made from a list of images. */
export interface ConvertedList {
  /** A recipe of version 2, which parses without an error. */
  readonly recipe: string;
  /** The number of images in the recipe, with repetitions. */
  readonly images: number;
  /** Errors `reference-invalid` and warnings `wish-repeated`, with their places in the list. */
  readonly problems: readonly Problem[];
}

/** An image of the list. */
interface Image {
  /** As the recipe has it. */
  readonly text: string;
  /** Equal for lines that mean the same. */
  readonly name: string;
}

/** The site where people read about images: its addresses look like references, and are not. */
const WEB_SITE = 'hub.docker.com';

/**
 * Converts a list of images for Singularity, as the OSG keeps one: an image a line, as for `docker pull`, with `#` before
 * comments. Where no registry is named the image is at Docker Hub, and where nothing but a name is, it is an official
 * one. A tag may be a pattern with `*`.
 *
 * Order, comments and empty lines are kept. A line that is not an image becomes a comment.
 *
 * @param repository the CVMFS repository of the recipe
 */
export function convertImageList(list: string, repository: string): ConvertedList {
  const lines = list.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const converted: string[] = [];
  const problems: Problem[] = [];
  const firstLines = new Map<string, number>();
  let images = 0;
  for (const [index, line] of lines.entries()) {
    const { written, comment } = splitComment(line);
    if (written === '') {
      converted.push(comment === '' ? '' : `  ${comment}`);
      continue;
    }
    const place = { line: index + 1, column: line.indexOf(written) + 1 };
    const image = convertImage(written, place);
    if ('severity' in image) {
      problems.push(image);
      converted.push(`  # not converted: ${[withoutCredentials(written), comment].join(' ').trimEnd()}`);
      continue;
    }
    images += 1;
    converted.push(`  - ${inQuotes(image.text)}${comment === '' ? '' : ` ${comment}`}`);
    const first = firstLines.get(image.name);
    if (first === undefined) firstLines.set(image.name, place.line);
    else problems.push(repeated(written, place, first));
  }
  const head = ['version: 2', 'repositories:', `  - ${inQuotes(repository)}`];
  const text = [...head, images === 0 ? 'input: []' : 'input:', ...converted].join('\n');
  return { recipe: `${text.trimEnd()}\n`, images, problems };
}

/** A `#` begins a comment at the beginning of a line and after white space. */
function splitComment(line: string): { written: string; comment: string } {
  const start = line.search(/(?<!\S)#/);
  const [written, comment] = start === -1 ? [line, ''] : [line.slice(0, start), line.slice(start)];
  return { written: written.trim(), comment: printableInYaml(comment.trimEnd()) };
}

function convertImage(written: string, place: Pick<Problem, 'line' | 'column'>): Image | Problem {
  const text = withRegistry(written.replace(/^docker:\/\//i, ''));
  try {
    const reference = parseReference(text);
    if (reference.registry !== WEB_SITE) return { text, name: formatReference(reference) };
    return noImage(written, place, {
      message: `${quoted(withoutSecrets(written))} is an address at Docker Hub's web site, not an image`,
      hint: 'write NAMESPACE/REPOSITORY:TAG',
    });
  } catch (error) {
    if (!isFailure(error, 'reference-invalid')) throw error;
    return noImage(written, place, error);
  }
}

/** As `docker pull` reads it. */
function withRegistry(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isOfficial = rest.length === 0;
  if (isOfficial) return `docker.io/library/${image}`;
  if (first === 'docker.io' && rest.length === 1) return `docker.io/library/${rest.join('/')}`;
  // the colon of a scheme is like that of a port
  return looksLikeRegistry(first) ? image : `docker.io/${image}`;
}

function noImage(
  written: string,
  place: Pick<Problem, 'line' | 'column'>,
  { message, hint }: Pick<Problem, 'message' | 'hint'>,
): Problem {
  const text = withoutSecrets(written);
  return { severity: 'error', code: 'reference-invalid', ...place, text, message, hint };
}

function repeated(written: string, place: Pick<Problem, 'line' | 'column'>, first: number): Problem {
  return {
    severity: 'warning',
    code: 'wish-repeated',
    ...place,
    text: written,
    message: `${quoted(written)} in line ${place.line} is already asked for in line ${first}`,
    hint: `remove line ${place.line}: it does not count`,
  };
}

/** A `?` may be a wildcard, and is left alone. */
function withoutCredentials(written: string): string {
  const isSecret = holdsCredentials(written) || /\?[^?]*=/.test(written);
  return printableInYaml(isSecret ? withoutSecrets(written) : written);
}

function inQuotes(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** YAML allows not every character, even in comments (YAML 1.2.2, section 5.1). */
function printableInYaml(text: string): string {
  return text.replace(
    /[^\t\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
