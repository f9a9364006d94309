import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto';
import type { ServerSettings } from '../../../core/http/options.ts';
import { codeOf } from '../../../core/system-error.ts';
import { quoted } from '../../../core/text.ts';
import type { Located } from '../value-types.ts';
import type { RegistryEntry } from './entries.ts';
import { readBytes } from '../../../core/system/files.ts';

/** The bundle of all browsers' authorities has a quarter of a megabyte. */
const LARGEST_BYTES = 4 * 1024 * 1024;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

/** Reads the certificates of a PEM file, without its other content; problems go to `problems`. */
export async function readAuthorities(
  file: Located<string> | undefined,
  problems: string[],
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const pem = await readPem(file, problems);
  return pem === undefined ? undefined : certificatesOf(pem, file, problems)?.pem;
}

/** Reads a client certificate, which its chain may follow, and its key; problems go to `problems`. */
export async function readClientCertificate(
  files: RegistryEntry['clientCertificate'],
  problems: string[],
): Promise<ServerSettings['clientCertificate']> {
  if (files === undefined) return undefined;
  const certificatePem = await readPem(files.certificate, problems);
  const keyPem = await readPem(files.key, problems);
  if (certificatePem === undefined || keyPem === undefined) return undefined;
  const certificate = certificatesOf(certificatePem, files.certificate, problems);
  const key = keyOf(keyPem, files.key, problems);
  if (certificate === undefined || key === undefined) return undefined;
  if (!certificate.first.checkPrivateKey(key)) {
    problems.push(
      `${describe(files.key)} is not the key of the first certificate in ${quoted(files.certificate.value)}; name a matching pair`,
    );
    return undefined;
  }
  return { certificate: certificate.pem, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

async function readPem(file: Located<string>, problems: string[]): Promise<string | undefined> {
  const content = await readBytes(file.value, LARGEST_BYTES);
  if ('bytes' in content) return content.bytes.toString('latin1');
  problems.push(`${describe(file)} ${content.problem}; correct the path, or let unpackd read it`);
  return undefined;
}

function certificatesOf(
  pem: string,
  file: Located<string>,
  problems: string[],
): { readonly pem: string; readonly first: X509Certificate } | undefined {
  const blocks = pem.match(CERTIFICATE) ?? [];
  const certificates = blocks.map((block) => parsed(() => new X509Certificate(block)));
  const [first] = certificates;
  const bad = certificates.indexOf(undefined);
  if (first !== undefined && bad === -1) return { pem: `${blocks.join('\n')}\n`, first };
  const what =
    blocks.length === 0 ? 'contains no certificate' : `contains a broken certificate (number ${bad + 1})`;
  problems.push(`${describe(file)} ${what}; expected PEM: lines "-----BEGIN CERTIFICATE-----"`);
  return undefined;
}

function keyOf(pem: string, file: Located<string>, problems: string[]): KeyObject | undefined {
  const key = parsed(() => createPrivateKey(pem));
  if (key === undefined) {
    problems.push(`${describe(file)} contains no usable private key; expected PEM without a passphrase`);
  }
  return key;
}

/** @returns `undefined` if OpenSSL rejects it */
function parsed<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (codeOf(error)?.startsWith('ERR_') === true) return undefined;
    throw error;
  }
}

function describe({ origin, value }: Located<string>): string {
  return `${origin}: the file ${quoted(value)}`;
}
