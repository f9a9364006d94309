import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Makes `NAME.pem` and `NAME.key` in `folder` with openssl: a certificate that signs itself, and its key. */
export async function makePair(folder: string, name: string): Promise<void> {
  const kind = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    `/CN=${name}`,
  ];
  const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...files], { cwd: folder });
}
