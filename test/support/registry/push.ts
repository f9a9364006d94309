import { strict as assert } from 'node:assert';
import { OCI_MANIFEST_TYPE, buildImage, type TestImage, type TestImageParts } from './image.ts';

/**
 * Pushes an image over plain HTTP. `host` is `HOST:PORT`.
 *
 * @see OCI distribution specification 1.1, "Pushing blobs" and "Pushing manifests"
 */
export async function pushImage(
  host: string,
  repository: string,
  tag: string,
  parts: TestImageParts,
): Promise<TestImage> {
  const image = buildImage(parts);
  const base = `http://${host}/v2/${repository}`;
  for (const [digest, bytes] of image.blobs) await pushBlob(base, digest, bytes);
  const answer = await fetch(`${base}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': OCI_MANIFEST_TYPE },
    body: new Uint8Array(image.manifest),
  });
  await expectStatus(answer, 201);
  return image;
}

async function pushBlob(base: string, digest: string, bytes: Buffer): Promise<void> {
  const begun = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  await expectStatus(begun, 202);
  const upload = new URL(begun.headers.get('location') ?? '', base);
  upload.searchParams.set('digest', digest);
  const answer = await fetch(upload, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(bytes),
  });
  await expectStatus(answer, 201);
}

async function expectStatus(answer: Response, status: number): Promise<void> {
  const text = await answer.text();
  assert.equal(answer.status, status, `${answer.url}: ${text}`);
}
