import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Site } from '../../support/e2e/site.ts';
import { plainLayer, buildImage } from '../../support/registry/image.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { status } from '../../support/registry/faults.ts';
import { archiveOf } from '../../publisher/layer/archive.ts';
import { file } from '../../support/images/layer-entry.ts';
import { ANSWERS, SECRET } from './hostile-answers.ts';

const CASES = Object.entries(ANSWERS).flatMap(([group, cases]) =>
  cases.map(([what, kind, fault, code], index) => ({ name: `${group}-${index}`, what, kind, fault, code })),
);

describe('e2e/hostile/answers', () => {
  let server: FaultServer;
  let good: FaultServer;
  let site: Site;
  let outcome: Awaited<ReturnType<Site['convertHere']>>;

  const wishOf = ({ name, kind }: (typeof CASES)[number]): string =>
    `${server.host}/lab/${name}:${kind === 'tags' ? '*' : '1'}`;

  before(async () => {
    [server, good, site] = [
      await FaultServer.start(),
      await FaultServer.start(),
      await Site.make('directory'),
    ];
    good.addImage('lab/good', '1', buildImage({ layers: [plainLayer(await archiveOf(file('f', 'good')))] }));
    for (const { name, kind, fault } of CASES) {
      // Nobody may have what another has: a layer would not be asked for again.
      const layer = plainLayer(await archiveOf(file('f', name)));
      server.addImage(`lab/${name}`, '1', buildImage({ layers: [layer] }));
      server.tagPages.set(`lab/${name}`, [['1']]);
      const asked = kind === 'layers' ? `blobs/${layer.diffId}` : kind;
      server.fail(new RegExp(kind === 'token' ? `/token/${name}\\b` : `/v2/lab/${name}/${asked}`), fault);
      if (kind !== 'token') continue;
      const realm = `Bearer realm="http://${server.host}/token/${name}",service="x"`;
      server.fail(new RegExp(`/v2/lab/${name}/`), status(401, { headers: { 'www-authenticate': realm } }));
    }
    const wishes = CASES.map((one) => `http://${wishOf(one)}`);
    outcome = await site.convertHere([...wishes, `http://${good.host}/lab/good:1`]);
  });
  after(async () => {
    await server.close();
    await good.close();
    await site.close();
  });

  for (const one of CASES) {
    it(`${one.kind}: ${one.what} is ${one.code}`, () => {
      const of = new RegExp(`^error\\S+ (?:http://)?${server.host}/lab/${one.name}:`);
      const lines = outcome.stderr.split('\n').filter((line) => of.test(line));
      assert.equal(existsSync(site.path(wishOf(one))), one.code === 'published', lines.join('\n'));
      const codes = lines.flatMap((line) => /^error\[([a-z-]+)\]/.exec(line)?.[1] ?? []);
      assert.deepEqual(
        codes,
        ['published', 'nothing'].includes(one.code) ? [] : [one.code],
        lines.join('\n'),
      );
    });
  }

  it('keeps no other from being published', () => {
    assert.ok(existsSync(site.path(`${good.host}/lab/good:1/f`)), outcome.stderr);
    assert.equal(outcome.status, 1);
  });

  it('gets no secret told', () => {
    assert.ok(!outcome.stderr.includes(SECRET), outcome.stderr);
  });
});
