import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded into unpackd before everything else (`node --import`), so that mistakes happen in the work on some images: where a
 * config that holds the text TEST_MISTAKE_IN is decoded, and where a blob whose path holds TEST_MISTAKE_AT is opened.
 */
const { TEST_MISTAKE_IN: text, TEST_MISTAKE_AT: path } = process.env;

const { parse } = JSON;
JSON.parse = (source, reviver) => {
  if (text !== undefined && source.includes(text)) throw new TypeError('a mistake in a config');
  return parse(source, reviver) as unknown;
};

const { createReadStream } = fs;
Object.assign(fs, {
  createReadStream: (...values: Parameters<typeof createReadStream>) => {
    const [file] = values;
    if (path !== undefined && typeof file === 'string' && file.includes(path))
      throw new TypeError('a mistake at a blob');
    return createReadStream(...values);
  },
});
syncBuiltinESMExports();
