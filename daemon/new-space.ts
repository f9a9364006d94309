import { setFlagsFromString } from 'node:v8';

/**
 * V8 keeps the space of new objects at its first size. It would grow to three times 16 MB, of which the layers of large
 * images, whose memory is outside of it, are no faster. To be loaded before everything else: loading makes it grow.
 */
setFlagsFromString('--semi-space-growth-factor=1');
