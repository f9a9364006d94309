import { strict as assert } from 'node:assert';
import { nextLink } from '../../../core/http/link.ts';

const CASES: readonly (readonly [field: string, next: string | undefined])[] = [
  ['', undefined],
  ['</v2/a/tags/list?last=b&n=2>; rel="next"', '/v2/a/tags/list?last=b&n=2'],
  ['<https://r.example/x>; rel=next', 'https://r.example/x'],
  ['</x>;rel=NEXT', '/x'],
  ['</x>;title="a; rel=next, <b>"', undefined],
  ['</p>; rel="prev", </n>; rel="next"', '/n'],
  ['</p>; rel="prev last", </n>; title="t"; rel="start next"', '/n'],
  ['</x>; rel="prev"; rel="next"', undefined],
  ['</x>; flag; rel="next"', '/x'],
  ['</x,y>; rel="next"', '/x,y'],
  ['/x?last=b&n=2; rel="next"', '/x?last=b&n=2'],
  ['http://r.example/x?last=b; rel=next', 'http://r.example/x?last=b'],
  ['?last=b;rel=next', '?last=b'],
  ['/p; rel="prev", /n; rel="next"', '/n'],
  ['/p; rel="prev",</n>; rel="next"', '/n'],
  ['x; rel="next"', undefined],
  ['rel="next"', undefined],
  ['</x?last=b>', '/x?last=b'],
  ['/x?last=b', '/x?last=b'],
  ['</x?last=b>; title="t"', '/x?last=b'],
  ['</x>', undefined],
  ['</x?a>, </n>; rel="next"', '/n'],
  ['</x>, </y?last=b>', '/y?last=b'],
  ['</x', undefined],
];

describe('core/http/link', () => {
  for (const [field, next] of CASES) {
    it(`reads ${JSON.stringify(field)}`, () => {
      assert.equal(nextLink(field), next);
    });
  }
});
