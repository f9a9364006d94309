import { displayPath, type BytePath } from '../../core/system/byte-path.ts';
import { counted } from '../../core/text.ts';

const EXAMPLES = 3;

type Kind = 'device' | 'xattr';

/**
 * What turned out while it was written to be more than the repository takes, although the {@link RepositoryCapabilities} did not say
 * so before.
 */
export class WriteLosses {
  readonly #found = new Map<Kind, { count: number; examples: BytePath[] }>();

  add(kind: Kind, path: BytePath): void {
    const found = this.#found.get(kind) ?? { count: 0, examples: [] };
    this.#found.set(kind, found);
    found.count++;
    if (found.examples.length < EXAMPLES) found.examples.push(path);
  }

  /** What was lost, in words; `undefined`: nothing. */
  summary(): string | undefined {
    const lost = [...this.#found].map(([kind, { count, examples }]) => {
      const paths = `${examples.map(displayPath).join(', ')}${count > EXAMPLES ? ', …' : ''}`;
      return kind === 'device'
        ? `${counted(count, 'device')} (${paths})`
        : `${counted(count, 'extended attribute')} (${paths})`;
    });
    if (lost.length === 0) return undefined;
    return `${lost.join(', ')} could not be kept: that needs root, on a file system that has them`;
  }
}
