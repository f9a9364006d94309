import { Failure, isFailure } from '../failure.ts';
import type { Digest } from './digest.ts';
import { checkGlob } from './pattern.ts';
import { isRepositoryPath, looksLikeRegistry, parseRegistry } from './registry-host.ts';
import { holdsCredentials, holdsQuery, withoutSecrets, type PatternSyntax } from '../secrets.ts';
import { quoted } from '../text.ts';

/** Name of an image: `[SCHEME://]REGISTRY/REPOSITORY[:TAG][@DIGEST]`. */
export interface ImageReference {
  /** `http` only where the wish says so: it allows plain HTTP to that registry. */
  readonly scheme: 'https' | 'http';
  /** Host in lower case, with its port where one is written: part of the public name. */
  readonly registry: string;
  /** Path below the registry, without leading or trailing slash, such as `library/debian`. */
  readonly repository: string;
  /** A tag, or a pattern of tags by {@link isPattern}; `undefined` where only a digest is given. */
  readonly tag: string | undefined;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string | undefined;
}

const SHAPE = 'write REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST], such as docker.io/library/debian:12';
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const TAG_PATTERN = /^[A-Za-z0-9_*][A-Za-z0-9._*-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const WILDCARDS: Readonly<Record<PatternSyntax, string>> = {
  stars: 'in a tag, * stands for any number of characters and is the only wildcard',
  full: 'only in a tag are there wildcards: * ? […] {…}',
};
const MAXIMUM_REPOSITORY_CHARACTERS = 255;
/** Linux refuses longer file names, and the last part of a public name is one. */
const MAXIMUM_FILE_NAME_BYTES = 255;

/** Options for reading references. */
export interface ReferenceOptions {
  /** Patterns that a tag may hold: `stars` by default. */
  readonly patterns?: PatternSyntax;
}

/**
 * Reads an image reference as people write it; white space around it is ignored. Without tag and digest the tag is
 * `latest`.
 *
 * Among `patterns`, `stars` has `*` as the only wildcard of a tag, as recipes of version 1 do, and `full` the globs that
 * `checkGlob` describes.
 *
 * @see OCI distribution specification 1.1, "Pulling manifests", for repository and tag
 * @throws Failure `reference-invalid`; passwords are masked in its message
 */
export function parseReference(text: string, { patterns = 'stars' }: ReferenceOptions = {}): ImageReference {
  const written = text.trim();
  try {
    refuseForeignSyntax(written, patterns);
    const { scheme, rest } = splitScheme(written);
    const { registry, path } = splitRegistry(rest, patterns);
    const { name, digest } = splitDigest(path);
    const { repository, tag } = splitTag(name);
    checkRepository(repository);
    if (tag !== undefined) checkTag(tag, digest, patterns);
    const effectiveTag = tag ?? (digest === undefined ? 'latest' : undefined);
    const reference = { scheme, registry: parseRegistry(registry), repository, tag: effectiveTag, digest };
    checkFileName(reference);
    return reference;
  } catch (error) {
    if (!isFailure(error, 'reference-invalid')) throw error;
    const message = `${quoted(withoutSecrets(written, patterns))} is not a valid image reference: ${error.message}`;
    throw new Failure(error.code, message, error.hint === undefined ? {} : { hint: error.hint });
  }
}

/** The reference without its scheme, `REGISTRY/REPOSITORY[:TAG][@DIGEST]`: equal for wishes that mean the same. */
export function formatReference(reference: ImageReference): string {
  return `${reference.registry}/${reference.repository}${versionSuffix(reference)}`;
}

/**
 * Where the image is published, relative to the repository's root: `<registry>/<repository>:<tag>`,
 * `<registry>/<repository>@sha256:…` for a digest, `…:<tag>@sha256:…` for both. Not for patterns.
 *
 * @internal
 */
export function publicName(reference: ImageReference): string {
  if (reference.tag !== undefined && isPattern(reference.tag)) {
    throw new Error(`a pattern has no public name: ${formatReference(reference)}`);
  }
  return formatReference(reference);
}

/** Returns true for a pattern of tags: it holds `*`, `?`, `[` or `{`, as no tag does. */
export function isPattern(tag: string): boolean {
  return /[*?[{]/.test(tag);
}

/**
 * The one image that `tag`, as the registry lists it, gives for a pattern.
 *
 * @throws Failure `reference-invalid` where `tag` is not a valid tag, or too long for a public name
 */
export function withTag(pattern: ImageReference, tag: string): ImageReference {
  if (!TAG.test(tag)) {
    throw invalid(
      `the tag ${quoted(tag)} is not made of up to 128 letters, digits and . _ -`,
      'ask whoever runs the registry to rename it',
    );
  }
  const reference = { ...pattern, tag };
  checkFileName(reference);
  return reference;
}

function refuseForeignSyntax(written: string, patterns: PatternSyntax): void {
  if (written === '') throw invalid('it is empty', SHAPE);
  if (holdsCredentials(written)) {
    throw invalid(
      'the @ must be followed by a digest; a user name or password has no place in it',
      'remove what stands before the @, and give the credentials of the registry to unpackd itself',
    );
  }
  if (/[\s\p{Cc}\p{Cf}]/u.test(written)) {
    throw invalid('it holds white space or a control character', 'write one image a line, without spaces');
  }
  if (holdsQuery(written, patterns)) {
    throw invalid(
      'it holds a ? or #, and a reference has no query string or fragment',
      `remove it; ${WILDCARDS[patterns]}`,
    );
  }
}

function splitScheme(written: string): { scheme: 'https' | 'http'; rest: string } {
  const [, name, rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/.exec(written) ?? [];
  if (name === undefined) return { scheme: 'https', rest: written };
  const scheme = name.toLowerCase();
  if (scheme === 'https' || scheme === 'http') return { scheme, rest };
  throw invalid(
    `the scheme ${quoted(name)} is unknown`,
    scheme === 'docker' ? 'leave out docker://' : 'write https://, http:// for plain HTTP, or no scheme',
  );
}

function splitRegistry(rest: string, patterns: PatternSyntax): { registry: string; path: string } {
  const slash = rest.indexOf('/');
  const registry = slash === -1 ? rest : rest.slice(0, slash);
  if (slash !== -1 && (registry === '' || looksLikeRegistry(registry))) {
    return { registry, path: rest.slice(slash + 1) };
  }
  const [host = ''] = registry.split(/[:@]/, 1);
  if (slash === -1 && looksLikeRegistry(host)) {
    throw invalid('it names a registry and no repository', SHAPE);
  }
  const atDockerHub = `docker.io/${slash === -1 ? 'library/' : ''}${rest}`;
  throw invalid(
    'it does not begin with a registry',
    isReference(atDockerHub, patterns) ? `for the image at Docker Hub, write ${atDockerHub}` : SHAPE,
  );
}

function isReference(text: string, patterns: PatternSyntax): boolean {
  try {
    parseReference(text, { patterns });
    return true;
  } catch (error) {
    if (isFailure(error, 'reference-invalid')) return false;
    throw error;
  }
}

function splitDigest(path: string): { name: string; digest: string | undefined } {
  const at = path.indexOf('@');
  if (at === -1) return { name: path, digest: undefined };
  const digest = path.slice(at + 1);
  if (DIGEST.test(digest)) return { name: path.slice(0, at), digest };
  const [, algorithm] = /^([A-Za-z0-9+._-]+):/.exec(digest) ?? [];
  if (algorithm !== undefined && algorithm !== 'sha256') {
    throw invalid(`the digest algorithm ${quoted(algorithm)} is not supported`, 'give the sha256 digest');
  }
  throw invalid(
    `the digest ${quoted(digest)} is not sha256: and 64 hexadecimal digits in lower case`,
    'copy the whole digest from the registry; a tag follows a colon',
  );
}

function splitTag(name: string): { repository: string; tag: string | undefined } {
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  if (colon === -1) return { repository: name, tag: undefined };
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

function checkRepository(repository: string): void {
  if (repository === '') throw invalid('it names no repository', SHAPE);
  if (repository.length > MAXIMUM_REPOSITORY_CHARACTERS) {
    throw invalid(
      `the repository has ${repository.length} characters, and ${MAXIMUM_REPOSITORY_CHARACTERS} are allowed`,
      'correct the name',
    );
  }
  for (const component of repository.split('/')) checkComponent(component);
}

function checkComponent(component: string): void {
  if (isRepositoryPath(component)) return;
  if (component === '')
    throw invalid('the repository has an empty component', 'remove the superfluous slash');
  const lowerCase = component.toLowerCase();
  const reason = `the repository component ${quoted(component)} is not made of lower-case letters and digits`;
  throw invalid(
    `${reason}, with single . or _, two _, or any number of - between them`,
    isRepositoryPath(lowerCase)
      ? `repositories are in lower case: write ${lowerCase}`
      : `correct the name; only the last component can have a tag`,
  );
}

function checkTag(tag: string, digest: string | undefined, patterns: PatternSyntax): void {
  if (TAG.test(tag)) return;
  if (patterns === 'full' ? isPatternLike(tag) : tag.includes('*')) {
    if (patterns === 'full') checkFullPattern(tag);
    else checkStars(tag);
    if (digest === undefined) return;
    throw invalid('a tag pattern cannot be combined with a digest', 'remove the digest, or name one tag');
  }
  throw invalid(
    `the tag ${quoted(tag)} is not made of up to 128 letters, digits and . _ -, or begins with . or -`,
    'correct the tag; leave out the colon for the tag latest',
  );
}

function checkStars(pattern: string): void {
  if (TAG_PATTERN.test(pattern)) return;
  throw invalid(
    `the tag pattern ${quoted(pattern)} is not made of up to 128 letters, digits, . _ - and *, or begins with . or -`,
    'correct the pattern; * stands for any number of characters and is the only wildcard',
  );
}

function checkFullPattern(pattern: string): void {
  try {
    checkGlob(pattern);
  } catch (error) {
    if (!isFailure(error, 'pattern-invalid')) throw error;
    throw invalid(`the tag pattern ${quoted(pattern)} ${error.message}`, error.hint ?? WILDCARDS.full);
  }
}

/** Also what is written wrongly, so that the message is about patterns and not about tags. */
function isPatternLike(tag: string): boolean {
  return isPattern(tag) || /[\]}!\\<>=^~|]/.test(tag);
}

function checkFileName(reference: ImageReference): void {
  if (reference.tag !== undefined && isPattern(reference.tag)) return;
  const { repository } = reference;
  const repositoryBytes = repository.length - repository.lastIndexOf('/') - 1;
  const bytes = repositoryBytes + versionSuffix(reference).length;
  if (bytes <= MAXIMUM_FILE_NAME_BYTES) return;
  throw invalid(
    `the last part of its public name has ${bytes} bytes, and ${MAXIMUM_FILE_NAME_BYTES} are allowed`,
    'use a shorter tag, or the digest without tag',
  );
}

/** Part of a reference after the repository: `[:TAG][@DIGEST]`. */
export function versionSuffix({ tag, digest }: ImageReference): string {
  const version = tag === undefined ? '' : `:${tag}`;
  return digest === undefined ? version : `${version}@${digest}`;
}

function invalid(reason: string, hint: string): Failure {
  return new Failure('reference-invalid', reason, { hint });
}

/** The tags of a repository, as its registry lists them. */
export interface TagList {
  /** Each once, in the registry's order. */
  readonly tags: readonly string[];
  /** False where there may be others. */
  readonly isWhole: boolean;
}

/** A document of an image, or a token for it, that a registry is asked for. */
export interface ImageSubject {
  readonly kind: 'tag list' | 'manifest' | 'blob' | 'token';
  readonly reference: ImageReference;
  /** Of a blob. */
  readonly digest?: Digest;
}

/** `the manifest of quay.io/lab/tool:1` */
export function describeSubject({ kind, reference, digest }: ImageSubject): string {
  const image = formatReference(reference);
  if (kind === 'tag list') return `the tag list of ${reference.registry}/${reference.repository}`;
  if (kind === 'token') return `a token for ${reference.registry}/${reference.repository}`;
  return digest === undefined ? `the ${kind} of ${image}` : `the ${kind} ${digest} of ${image}`;
}
