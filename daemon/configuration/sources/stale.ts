import { localTime } from '../../../core/text.ts';
import { withHint, type Failure } from '../../../core/failure.ts';

/** What to say of a source that fails while what is known of it counts. */
export function staleText(failure: Failure, failingSince: string | undefined): string {
  return `${withHint(failure)} [${failure.code}]; it fails since ${localTime(failingSince ?? '')}, and what is known of it counts`;
}
