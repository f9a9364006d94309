import { withoutAddressSecrets } from '../output/address-secrets.ts';
import { redact } from '../output/redact.ts';

/** One value of a configuration as it may be shown. In doubt something is a secret. */
export function masked(text: string): string {
  return redact(withoutAddressSecrets(text));
}
