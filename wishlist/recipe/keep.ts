import { Failure } from '../../core/failure.ts';
import { quoted } from '../../core/text.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import type { Keep } from './settings.ts';

/** `forever`, or days from 1 to 36,500, which is a hundred years. */
export const KEEP = /^(?:forever|[1-9][0-9]{0,3}d|[12][0-9]{4}d|3[0-5][0-9]{3}d|36[0-4][0-9]{2}d|36500d)$/;

/**
 * Reads how long an image is kept: `forever`, or a number of days such as `30d`.
 *
 * @throws Failure `setting-invalid`
 */
export function parseKeep(text: string): Keep {
  if (!KEEP.test(text)) {
    const message = `${quoted(withoutSecrets(text))} says not how long an image is kept: it is neither forever nor a number of days from 1d to 36500d`;
    throw new Failure('setting-invalid', message, { hint: 'write keep: forever, or days such as keep: 30d' });
  }
  return text === 'forever' ? text : { days: Number(text.slice(0, -1)) };
}
