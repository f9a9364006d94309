import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { unreadableConfig } from '../../../../publisher/outputs/podman/readable.ts';
import { parseConfig } from '../../../../core/oci/config.ts';
import { isFailure } from '../../../../core/failure.ts';
import { image, type ImageConfig } from '../../../support/images/image.ts';
import { file } from '../../../support/images/layer-entry.ts';
import { layer } from '../../../support/images/layer.ts';
import { writeLayout } from '../../../support/images/layout.ts';
import { ImageStore } from '../../../support/images/store.ts';
import { describeWith } from '../../../support/programs.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

/**
 * What becomes of an image whose config says so: published in every form; left out of the podman store, since what is read
 * of old tools no program in Go reads; or refused, as by every program that could start it.
 */
const CASES: readonly (readonly [what: string, execution: object, 'whole' | 'without podman' | 'refused'])[] =
  [
    ['labels', { Labels: { a: 'b', c: '' } }, 'whole'],
    ['a label that is null', { Labels: { a: null } }, 'whole'],
    ['null everywhere', { Labels: null, Cmd: null, Env: null }, 'whole'],
    ['a command that is no list', { Cmd: 'sh' }, 'without podman'],
    ['an entry point that is no list', { Entrypoint: '/run' }, 'without podman'],
    ['a label that is a number', { Labels: { a: 1 } }, 'refused'],
    ['a label that is a boolean', { Labels: { a: true } }, 'refused'],
    ['a label that is an object', { Labels: { a: {} } }, 'refused'],
    ['labels that are a list', { Labels: ['a=b'] }, 'refused'],
    ['an environment that is an object', { Env: { A: 'b' } }, 'refused'],
    ['a user that is a number', { User: 1000 }, 'refused'],
    ['a working directory that is a number', { WorkingDir: 1 }, 'refused'],
  ];

describeWith(['skopeo'], 'publisher/registry/manifest/config-in-go', () => {
  let folder: string;
  before(async () => {
    folder = await temporaryDirectory('configs');
    const store = new ImageStore();
    const layers = [await layer([file('a', 'b')])];
    for (const [index, [, execution]] of CASES.entries()) {
      const config = { config: execution } as ImageConfig;
      store.add('configs', image({ layers, config }), `t${index}`);
    }
    await writeLayout(store, 'configs', folder);
  });

  for (const [index, [what, execution, fate]] of CASES.entries()) {
    it(`${what}: ${fate}`, () => {
      const words = ['inspect', '--config', `oci:${folder}:t${index}`];
      const { status, stderr } = spawnSync('skopeo', words, { encoding: 'utf8' });
      assert.equal(status === 0, fate === 'whole', stderr);
      const rootfs = { type: 'layers', diff_ids: [] };
      const bytes = Buffer.from(
        JSON.stringify({ architecture: 'amd64', os: 'linux', config: execution, rootfs }),
      );
      assert.equal(isRead(bytes), fate !== 'refused');
      assert.equal(unreadableConfig(bytes) === undefined, fate === 'whole');
    });
  }
});

function isRead(bytes: Buffer): boolean {
  try {
    parseConfig(bytes, 0, 'r.example/a:1');
    return true;
  } catch (error) {
    if (isFailure(error, 'manifest-invalid')) return false;
    throw error;
  }
}
