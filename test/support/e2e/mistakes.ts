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

/** Of flags, what says whether a file is read or written. */
const ACCESS = 0o3;
const { open } = fs.promises;
Object.assign(fs.promises, {
  open: async (...values: Parameters<typeof open>) => {
    const [file, flags] = values;
    const isVerified = typeof flags === 'number' && (flags & ACCESS) === fs.constants.O_RDONLY;
    if (path !== undefined && isVerified && typeof file === 'string' && file.includes(path))
      throw new TypeError('a mistake at a blob');
    return await open(...values);
  },
});
syncBuiltinESMExports();
