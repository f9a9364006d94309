import { withoutAddressSecrets } from '../address-secrets.ts';
import { redact } from '../redact.ts';

/** One value of a configuration as it may be shown. In doubt something is a secret. */
export function masked(text: string): string {
  return redact(withoutAddressSecrets(text));
}
