import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('freed-memory.js', import.meta.url));

describe('core/system/malloc', () => {
  it('gives back large blocks that are freed', async () => {
    const words = ['--expose-gc', PROGRAM];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    // 100 MB are used, and 10 MB of them kept.
    assert.ok(Number(stdout) < 40, `${stdout.trim()} MB are left`);
  });
});
