import assert from 'node:assert/strict';
import { hideLogin, hideSecret } from '../../../daemon/output/known-secrets.ts';
import { redact } from '../../../daemon/output/redact.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('redact', () => {
  const hidden: readonly string[] = [
    'https://ada:s3cret@quay.io/a',
    'https://s3cret@quay.io/a',
    '/etc/https:/ada:s3cret@quay.io/a',
    'https://ada:p@s3cret@quay.io/a',
    'HTTP://ada:s3cret@proxy:3128',
    'Authorization: Bearer s3cret',
    'authorization: Basic s3cret=',
    '{"Authorization":"Bearer s3cret"}',
    'Proxy-Authorization: s3cret',
    'sent Bearer s3cret12 to quay.io',
    'bearer s3cret',
    `the token ${JWT} has expired`.replace('eyJzdWIiOiJhZGEifQ', 's3cret'),
    'password=s3cret',
    'DUCC_A_PASS=s3cret',
    'MY_PASSWORD="s3cret with spaces"',
    "passwd='s3cret'",
    'password: s3cret',
    'password: the-s3cret',
    'password: what-s3cret stands there',
    '"password": "s3cret"',
    '{"auth":"s3cret"}',
    '{"identitytoken": "s3cret"}',
    'https://blobs.example.org/x?X-Amz-Credential=s3cret&x=1',
    'https://blobs.example.org/x?X-Amz-Signature=s3cret',
    'https://blobs.example.org/x?sv=1&sig=s3cret',
    'https://auth.example.org/?access_token=s3cret&scope=x',
    'client_secret=s3cret',
    'api_key=s3cret apiKey=s3cret',
    // control characters cannot hide a key or tear a secret
    'pass\u0000word=s3cret',
    'password=\u001b[1ms3cret',
    'https://ada:s3\u200bcret@quay.io/a',
    'Bearer\ns3cret',
  ];
  for (const text of hidden) {
    it(`hides the secret of ${JSON.stringify(text)}`, () => {
      const shown = redact(text);
      assert.doesNotMatch(shown, /s3|(?<!se)cret/);
      assert.ok(shown.includes('***'));
    });
  }

  const shown: readonly string[] = [
    'quay.io/a:1 is not there',
    `docker://quay.io/lab/a:1@${DIGEST}`,
    `https://quay.io:5000/v2/lab/a/manifests/${DIGEST}`,
    'Bearer realm="https://auth.example.org/token",service="quay.io",scope="repository:a:pull"',
    'Basic authentication is not supported',
    'the registry refused the token: it has expired',
    'the bearer token is too old',
    '/run/secrets/registry: permission denied',
    'published quay.io/a:1 at /cvmfs/unpacked.example.org/quay.io/a:1',
    'passed: 3 of 4',
    'u.yaml:5: registries: quay.io: password: the file "/etc/x" does not exist',
    'u.yaml:5: registries: quay.io: password: the environment variable X is not set; set it for unpackd',
    'u.yaml:5: registries: quay.io: password: what stands there cannot be used',
    'u.yaml:5: registries: quay.io: password: username is missing; give both or none',
    'wait=10m',
    'ünïcode ✓',
  ];
  for (const text of shown) {
    it(`leaves ${JSON.stringify(text)} as it is`, () => assert.equal(redact(text), text));
  }

  it('keeps what stands around a secret', () => {
    assert.equal(
      redact('GET https://ada:s3cret@quay.io/v2/?token=s3cret&n=1: 401'),
      'GET https://***@quay.io/v2/?token=***&n=1: 401',
    );
    assert.equal(redact('Authorization: Bearer s3cret, again'), 'Authorization: Bearer ***, again');
    assert.equal(redact('"password": "a\\"b", "user": "ada"'), '"password": ***, "user": "ada"');
  });

  it('takes a time that grows with the length, not with its square', () => {
    for (const piece of ['a', 'a.', 'pass', 'eyJ', 'bearer ', 'http://', '"', '\u001b]', '@', 'auth=']) {
      assert.ok(redact(piece.repeat(20_000)).length <= piece.length * 20_000 + 60_000);
    }
  });
});

describe('a secret that is known', () => {
  hideSecret('correct "horse" staple');
  hideSecret('tortoise');
  hideSecret('tortoise-shell');
  hideSecret('$&five');
  hideSecret('line\nbreak\u0007');
  hideSecret('short');
  hideSecret('');
  hideLogin('ada', 'lovelace');
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ['the tortoise won', 'the *** won'],
    ['a tortoise-shell, tortoises', 'a ***, ***s'],
    ['tor\u0000toise', '***'],
    ['correct "horse" staple', '***'],
    [JSON.stringify({ a: 'correct "horse" staple' }), '{"a":"***"}'],
    [`/?q=${encodeURIComponent('correct "horse" staple')}&n=1`, '/?q=***&n=1'],
    ['x$&fivex', 'x***x'],
    ['a line\nbreak', 'a ***'],
    ['by lovelace', 'by ***'],
    [`sent ${Buffer.from('ada:lovelace').toString('base64')}`, 'sent ***'],
    ['ada says: in short', 'ada says: in short'],
  ];
  for (const [text, shown] of cases) {
    it(`is hidden in ${JSON.stringify(text)}`, () => assert.equal(redact(text), shown));
  }
});
