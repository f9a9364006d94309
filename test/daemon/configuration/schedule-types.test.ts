import assert from 'node:assert/strict';
import { cronExpression, machineTimeZone, timeZone } from '../../../daemon/configuration/schedule-types.ts';

const PLACE = { folder: '/', home: '/' };

describe('types of the schedule', () => {
  const expressions: [text: string, value: string | undefined][] = [
    ['*/5 * * * *', '*/5 * * * *'],
    [' */30  * * * * * ', '*/30 * * * * *'],
    ['0 3 * * 1-5', '0 3 * * 1-5'],
    ['* * * *', undefined],
    ['61 * * * *', undefined],
    ['every hour', undefined],
    ['', undefined],
  ];
  for (const [text, value] of expressions)
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(cronExpression.parse(text, PLACE), value));

  it('knows time zones', () => {
    assert.equal(timeZone.parse('Europe/Zurich', PLACE), 'Europe/Zurich');
    assert.equal(timeZone.parse('Europe/Nowhere', PLACE), undefined);
    assert.equal(timeZone.parse(machineTimeZone(), PLACE), machineTimeZone());
  });
});
