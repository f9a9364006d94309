import { strict as assert } from 'node:assert';
import { isPublicAddress } from '../../../core/http/public-address.ts';

const PUBLIC = ['1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'];
PUBLIC.push('128.0.0.0', '172.15.255.255', '172.32.0.0', '192.167.1.1', '198.17.0.1', '198.20.0.1');
PUBLIC.push('168.63.129.15', '223.255.255.255', '2606:4700:4700::1111', '2a00:1450:4001:81b::200e');

const OTHERS = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.1',
  '127.255.0.1',
];
OTHERS.push('169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.192', '192.168.1.1', '198.18.0.1');
OTHERS.push('168.63.129.16', '203.0.113.5', '224.0.0.1', '240.0.0.1', '255.255.255.255');
OTHERS.push('::', '::1', '::ffff:10.0.0.1', '::ffff:1.1.1.1', '::10.0.0.1', '64:ff9b::a00:1', '64:ff9b:1::1');
OTHERS.push('fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '100::1', '2001::1');
OTHERS.push('2001:db8::1', '2002:a00:1::1', '3fff::1', 'localhost', '');

describe('core/http/public-address', () => {
  for (const address of PUBLIC) {
    it(`${address} is public`, () => assert.equal(isPublicAddress(address), true));
  }
  for (const address of OTHERS) {
    it(`${JSON.stringify(address)} is not`, () => assert.equal(isPublicAddress(address), false));
  }
});
