import assert from 'node:assert/strict';
import { isPodmanName, podmanName } from '../../../../publisher/outputs/podman/image-name.ts';
import { parseReference } from '../../../../core/oci/reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

const NAMES: readonly (readonly [reference: string, name: string])[] = [
  ['docker.io/library/debian:12', 'docker.io/library/debian:12'],
  ['docker.io/library/debian', 'docker.io/library/debian:latest'],
  ['http://localhost:5000/a/b/c_d:V1.0-rc', 'localhost:5000/a/b/c_d:V1.0-rc'],
  [`quay.io/lab/tool@${DIGEST}`, `quay.io/lab/tool@${DIGEST}`],
  [`quay.io/lab/tool:1@${DIGEST}`, `quay.io/lab/tool@${DIGEST}`],
];

const UNREADABLE = [
  '[::1]:5000/lab/tool:1',
  'quay.io/Lab/tool:1',
  'quay.io/lab/tool',
  'quay.io:1',
  'quay.io/lab/tool:.1',
  'quay.io/lab/tool:1@sha256:aa',
  `quay.io/lab/tool:1@${DIGEST}`,
  `quay.io/${'a'.repeat(255)}:1`,
  'quay.io/lab/tool:1\n',
  '',
];

describe('podman-store/image-name', () => {
  for (const [reference, name] of NAMES) {
    it(`is ${name} for ${reference}`, () => {
      assert.equal(podmanName(parseReference(reference)), name);
      assert.ok(isPodmanName(name));
    });
  }

  for (const name of UNREADABLE) {
    it(`cannot be ${JSON.stringify(name.slice(0, 60))}`, () => assert.ok(!isPodmanName(name)));
  }
});
