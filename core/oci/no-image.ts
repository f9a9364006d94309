import { Failure } from '../failure.ts';

/** What a reference leads to is something else than a container image. */
export class NoImage extends Failure {
  /** Such as `a signature`. */
  readonly artifact: string;
  /** That which says so. */
  readonly type: string;

  constructor(message: string, { artifact, type }: Pick<NoImage, 'artifact' | 'type'>) {
    super('media-type-unsupported', message, {
      hint: 'ask for a container image; what is found only by a pattern is passed over',
    });
    this.artifact = artifact;
    this.type = type;
  }
}
