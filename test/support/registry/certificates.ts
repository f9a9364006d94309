import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../setup.ts';

/** A certificate with its key, as PEM and as the files that hold it. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** What a certificate is for. */
export interface CertificateRequest {
  readonly purpose: 'server' | 'client' | 'signer';
  /** Subject alternative names as OpenSSL writes them; those of loopback where nothing is said. */
  readonly names?: readonly string[];
  /** From now on; negative for a certificate that has expired. */
  readonly validDays?: number;
}

const command = promisify(execFile);
const LOOPBACK = ['IP:127.0.0.1', 'DNS:localhost'];
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];

/** Our own sections instead of those of the machine's openssl.cnf. */
const CONFIGURATION = `
[req]
distinguished_name = subject
prompt = no
[subject]
CN = set by -subj
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`;

const EXTENSIONS: Readonly<Record<CertificateRequest['purpose'], string>> = {
  server: 'extendedKeyUsage = serverAuth',
  client: 'extendedKeyUsage = clientAuth',
  signer: '',
};

/** A certificate authority that nobody but its test trusts. Needs `openssl`. */
export class CertificateAuthority {
  /** PEM */
  readonly certificate: string;
  readonly certificateFile: string;
  readonly #folder: string;
  #issued = 0;

  private constructor(folder: string, certificate: string) {
    this.#folder = folder;
    this.certificate = certificate;
    this.certificateFile = join(folder, 'authority.pem');
  }

  static async create(): Promise<CertificateAuthority> {
    const folder = await temporaryDirectory('certificates');
    await writeFile(join(folder, 'openssl.cnf'), CONFIGURATION);
    const files = ['-config', 'openssl.cnf', '-keyout', 'authority.key', '-out', 'authority.pem'];
    const form = ['-extensions', 'authority', '-days', '2', '-subj', '/CN=test authority'];
    await command('openssl', ['req', '-x509', ...NEW_KEY, ...files, ...form], { cwd: folder });
    return new CertificateAuthority(folder, await readFile(join(folder, 'authority.pem'), 'utf8'));
  }

  async issue({ purpose, names = LOOPBACK, validDays = 2 }: CertificateRequest): Promise<IssuedCertificate> {
    this.#issued += 1;
    const name = `${purpose}-${this.#issued}`;
    const [keyFile, certificateFile] = [join(this.#folder, `${name}.key`), join(this.#folder, `${name}.pem`)];
    const extensions = [
      'basicConstraints = critical, CA:FALSE',
      'keyUsage = critical, digitalSignature',
      `subjectAltName = ${names.join(', ')}`,
      EXTENSIONS[purpose],
    ];
    await writeFile(join(this.#folder, `${name}.ext`), `${extensions.join('\n')}\n`);
    const request = [
      '-config',
      'openssl.cnf',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      keyFile,
      '-out',
      `${name}.csr`,
    ];
    await command('openssl', ['req', '-new', ...NEW_KEY, ...request], { cwd: this.#folder });
    const signing = ['-CA', 'authority.pem', '-CAkey', 'authority.key', '-days', `${validDays}`];
    const files = ['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-out', certificateFile];
    await command('openssl', ['x509', '-req', ...signing, ...files], { cwd: this.#folder });
    const [certificate, key] = await Promise.all([
      readFile(certificateFile, 'utf8'),
      readFile(keyFile, 'utf8'),
    ]);
    return { certificate, key, certificateFile, keyFile };
  }
}
