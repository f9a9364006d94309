import assert from 'node:assert/strict';
import { Failure } from '../../../core/failure.ts';
import { outcomeOf, reportDocument, reportText } from '../../../daemon/verification/report.ts';
import type { VerifiedImage } from '../../../daemon/verification/verifier.ts';

/** In the zone of the process. */
const NOW = new Date(2026, 0, 5, 12, 0).getTime();
const FINDING = {
  kind: 'mode',
  path: '.flat/caf\u00c3\u00a9\n',
  expected: '0755',
  found: '0644',
  sinceMs: NOW,
} as const;
const IMAGE: VerifiedImage = {
  name: 'quay.io/lab/tool:1',
  findings: [FINDING],
  more: 2,
  unknown: [],
  isRepaired: false,
  failure: undefined,
};
const UNKNOWN: VerifiedImage = { ...IMAGE, findings: [], more: 0, unknown: ['its config: gone\u001b[31m'] };
const REPORT = { repository: 'images.unpackd.test', isDeep: false, verified: 3 };

describe('daemon/verification/report', () => {
  it('says what is wrong, where, and since when', () => {
    const failure = new Failure('repository-conflict', 'a folder is there', { hint: 'remove it' });
    const text = reportText({
      ...REPORT,
      images: [{ ...IMAGE, failure }, { ...IMAGE, isRepaired: true }, UNKNOWN],
    });
    assert.deepEqual(text.split('\n'), [
      'damaged   quay.io/lab/tool:1, known since 2026-01-05 12:00 +00:00',
      String.raw`  .flat/café\n: mode: expected 0755, found 0644`,
      '  and 2 further differences',
      '  not repaired: a folder is there; remove it [repository-conflict]',
      'repaired  quay.io/lab/tool:1, known since 2026-01-05 12:00 +00:00',
      String.raw`  .flat/café\n: mode: expected 0755, found 0644`,
      '  and 2 further differences',
      'unknown   quay.io/lab/tool:1',
      String.raw`  not known: its config: gone\u{1b}[31m`,
      '3 images verified in images.unpackd.test: 1 damaged, 1 repaired, 1 not known for certain',
      '',
    ]);
  });

  it('says that all is sound', () => {
    assert.equal(
      reportText({ ...REPORT, images: [] }),
      '3 images verified in images.unpackd.test: all sound\n',
    );
  });

  it('gives the same to programs', () => {
    assert.deepEqual(reportDocument({ ...REPORT, images: [IMAGE] }), {
      ...REPORT,
      images: [
        {
          image: IMAGE.name,
          outcome: 'damaged',
          findings: [{ ...FINDING, path: String.raw`.flat/café\n` }],
          more: 2,
          unknown: [],
          failure: undefined,
        },
      ],
    });
  });

  it('takes what is wrong for more than what is not known', () => {
    assert.equal(outcomeOf({ ...IMAGE, unknown: UNKNOWN.unknown }), 'damaged');
  });
});
