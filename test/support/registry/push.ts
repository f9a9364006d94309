import { strict as assert } from 'node:assert';
import { OCI_MANIFEST_TYPE, buildImage, type TestImage, type TestImageParts } from './image.ts';

const PUSHES_AT_ONCE = 16;

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
  await putManifest(base, tag, image);
  return image;
}

/** Gives further tags to an image that was pushed, many at once. */
export async function pushTags(
  host: string,
  repository: string,
  tags: readonly string[],
  image: TestImage,
): Promise<void> {
  const waiting = tags.values();
  const work = async (): Promise<void> => {
    for (const tag of waiting) await putManifest(`http://${host}/v2/${repository}`, tag, image);
  };
  await Promise.all(Array.from({ length: PUSHES_AT_ONCE }, work));
}

/**
 * Deletes a manifest with all tags that lead to it.
 *
 * @see OCI distribution specification 1.1, "Deleting Manifests"
 */
export async function deleteManifest(host: string, repository: string, digest: string): Promise<void> {
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${digest}`, { method: 'DELETE' });
  await expectStatus(answer, 202);
}

async function putManifest(base: string, tag: string, { manifest }: TestImage): Promise<void> {
  const answer = await fetch(`${base}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': OCI_MANIFEST_TYPE },
    body: new Uint8Array(manifest),
  });
  await expectStatus(answer, 201);
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
