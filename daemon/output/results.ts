import { join } from 'node:path';
import type { ImageResult } from '../../publisher/events.ts';
import type { PlatformResult } from '../../publisher/results.ts';
import type { FailureText } from './format.ts';
import { redact } from './redact.ts';

/** How a run over images ended. */
export interface Report {
  /** Name of the repository, such as `unpacked.example.org`. */
  readonly repository: string;
  /** In the order of the recipe. */
  readonly images: readonly PlatformResult[];
  /** How many publications it took. */
  readonly publications: number;
}

/**
 * One line an image: its outcome, its name, and its public path, the code of its failure, or nothing where no public
 * name was asked for.
 */
export function reportText(report: Report, root: string): string {
  const folder = join(root, report.repository);
  return report.images
    .map(({ image, platform, result }) => {
      const label = platform === undefined ? image : `${image} (${platform})`;
      return `${result.outcome.padEnd(9)} ${redact(`${label} ${whereOf(result, folder)}`)}\n`;
    })
    .join('');
}

function whereOf(result: ImageResult, folder: string): string {
  if (result.outcome === 'failed') return result.code;
  return result.flatPath === undefined ? '' : join(folder, result.publicPath);
}

/** The document that `--json` prints; `problems` are failures that belong to no image. */
export function reportDocument(report: Report, problems: readonly FailureText[]): unknown {
  return {
    repository: report.repository,
    images: report.images.map(({ image, platform, result }) => ({ image, platform, ...result })),
    publications: report.publications,
    problems: problems.map(problemDocument),
  };
}

export function problemDocument({ code, message, hint }: FailureText): unknown {
  return { code, message, hint };
}

/** `document` as JSON text, without secrets in any of its strings. */
export function jsonText(document: unknown): string {
  const text = JSON.stringify(
    document,
    (_, value: unknown) => (typeof value === 'string' ? redact(value) : value),
    2,
  );
  return `${text}\n`;
}
