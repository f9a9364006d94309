import type { Node } from 'js-yaml';
import { isFailure } from '../../core/failure.ts';
import { formatPlatform, parsePlatform, type Platform } from '../../core/oci/platform.ts';
import { RECIPE_LIMITS } from './limits.ts';
import type { Problem } from './problem.ts';
import { quoted } from '../../core/text.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { longList } from './values.ts';
import { isText, kindOf, type Content } from '../../core/yaml/text.ts';
import type { RecipeText } from './recipe-text.ts';

/** What a value of `platforms` says. */
export interface PlatformList {
  /** In the order of the text, each once, without those that are wrong. */
  readonly platforms: readonly Platform[];
  /** Errors `platform-invalid` and warnings `platform-repeated`. */
  readonly problems: readonly Problem[];
}

/** Reads a list of platforms, or a single one. An empty list is an error. */
export function readPlatforms(yaml: RecipeText, node: Node): PlatformList {
  const content = yaml.content(node);
  const items = content.kind === 'sequence' ? content.items : [node];
  if (items.length === 0) return { platforms: [], problems: [emptyList(yaml, node)] };
  const tooLong = longList(items, RECIPE_LIMITS.platforms);
  if (tooLong !== undefined) return { platforms: [], problems: [invalid(yaml, node, tooLong)] };
  const platforms = new Map<string, Platform>();
  const problems: Problem[] = [];
  for (const item of items) {
    const platform = readPlatform(yaml, item);
    if ('severity' in platform) {
      problems.push(platform);
      continue;
    }
    const name = formatPlatform(platform);
    if (platforms.has(name)) problems.push(repeated(yaml, item, name));
    else platforms.set(name, platform);
  }
  return { platforms: [...platforms.values()], problems };
}

function readPlatform(yaml: RecipeText, item: Node): Platform | Problem {
  const content = yaml.content(item);
  if (content.kind !== 'scalar' || !isText(content)) {
    const written = withoutSecrets(content.kind === 'scalar' ? content.value : yaml.lineOf(item));
    const message = `${quoted(written)} is no platform: it is ${kindOf(content)}`;
    return invalid(yaml, item, { message, hint: 'write a list such as [linux/amd64, linux/arm64]' });
  }
  try {
    return parsePlatform(content.value);
  } catch (error) {
    if (!isFailure(error, 'platform-invalid')) throw error;
    return invalid(yaml, item, error);
  }
}

function emptyList(yaml: RecipeText, node: Node): Problem {
  const message = 'the list of platforms is empty';
  return invalid(yaml, node, { message, hint: 'name a platform, such as [linux/amd64], or remove the key' });
}

function invalid(yaml: RecipeText, node: Node, said: { message: string; hint: string | undefined }): Problem {
  const place = yaml.positionOf(node);
  const text = textOf(yaml.content(node));
  const { message, hint } = said;
  return { severity: 'error', code: 'platform-invalid', ...place, text, message, hint };
}

function repeated(yaml: RecipeText, item: Node, name: string): Problem {
  const text = textOf(yaml.content(item));
  return {
    severity: 'warning',
    code: 'platform-repeated',
    ...yaml.positionOf(item),
    text,
    message: `${quoted(text)} stands in the list already, as ${name}`,
    hint: 'remove it',
  };
}

function textOf(content: Content): string {
  const text = content.kind === 'scalar' ? withoutSecrets(content.value.trim()) : '';
  return text === '' ? 'platforms' : text;
}
