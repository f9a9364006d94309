import assert from 'node:assert/strict';
import { surviveClosedPipe } from '../../../daemon/output/display.ts';
import { capture } from '../cli/capture.ts';

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('daemon/output/display', () => {
  it('is no error of the stream', () => {
    const stream = capture();
    surviveClosedPipe(stream);
    assert.ok(stream.emit('error', systemError('EPIPE')));
    assert.throws(() => stream.emit('error', systemError('ENOSPC')), { code: 'ENOSPC' });
  });

  it('is listened for once', () => {
    const stream = capture();
    surviveClosedPipe(stream);
    surviveClosedPipe(stream);
    assert.equal(stream.listenerCount('error'), 1);
  });
});
