import assert from 'node:assert/strict';
import { validate } from 'node-cron';
import {
  cronExpression,
  cronOrNever,
  machineTimeZone,
  timeZone,
} from '../../../daemon/configuration/schedule-types.ts';

const PLACE = { folder: '/', home: '/' };

describe('daemon/configuration/schedule-types', () => {
  const expressions: [text: string, value: string | undefined][] = [
    ['*/5 * * * *', '*/5 * * * *'],
    [' */30  * * * * * ', '*/30 * * * * *'],
    ['0 3 * * 1-5', '0 3 * * 1-5'],
    ['* * * *', undefined],
    ['61 * * * *', undefined],
    ['every hour', undefined],
    ['', undefined],
    ['0 3 L * *', '0 3 L * *'],
    ['0 3 31W,L-3 jan-MAR ?', '0 3 31W,L-3 jan-MAR ?'],
    ['0 22-2/2 * * fri#2,Sunday', '0 22-2/2 * * fri#2,Sunday'],
    ['0 0 30,31 2 *', undefined],
    ['0 0 31 4,jun *', undefined],
    ['5/10 * * * *', undefined],
    ['*/0 * * * *', undefined],
    ['1-70 * * * *', undefined],
    ['0 0 LW * *', '0 0 LW * *'],
    ['0 0 * * 8', undefined],
    ['? * * * *', undefined],
    ['0 0 * * * 1;2', undefined],
    ['@daily', undefined],
  ];
  for (const [text, value] of expressions)
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(cronExpression.parse(text, PLACE), value));

  it('reads never where there may be no time at all', () => {
    const texts = [' never', '0 3 * * *', 'sometimes'];
    assert.deepEqual(
      texts.map((text) => cronOrNever.parse(text, PLACE)),
      ['never', '0 3 * * *', undefined],
    );
  });

  it('takes the expressions that node-cron takes', () => {
    for (const [text] of expressions) {
      const isUsable = text.trim().split(/\s+/).length >= 5 && validate(text);
      assert.equal(cronExpression.parse(text, PLACE) !== undefined, isUsable, text);
    }
    const items = [
      '*',
      '*/7',
      '0',
      '4',
      '7',
      '12',
      '24',
      '31',
      '59',
      '60',
      '2-5',
      '20-3',
      '1-31/9',
      '5-60',
      '1/2',
      'L',
      'L-4',
      '12W',
      '32W',
      '1L',
      '3#2',
      'feb',
      'Tue',
      'mon-fri',
      '?',
      'x',
      '-1',
      '2,30',
      '31,4-6',
      '1,,2',
    ];
    for (const item of items) {
      for (const field of [0, 1, 2, 3, 4, 5]) {
        const fields = ['0', '0', '0', '30', '2,4', '*'];
        fields[field] = item;
        const text = fields.join(' ');
        assert.equal(cronExpression.parse(text, PLACE) !== undefined, validate(text), text);
      }
    }
  });

  it('knows time zones', () => {
    assert.equal(timeZone.parse('Europe/Zurich', PLACE), 'Europe/Zurich');
    assert.equal(timeZone.parse('Europe/Nowhere', PLACE), undefined);
    assert.equal(timeZone.parse(machineTimeZone(), PLACE), machineTimeZone());
  });
});
