import { archiveCases } from './hostile-archives.ts';
import { linkCases } from './hostile-links.ts';
import { nameCases, orderCases } from './hostile-names.ts';
import { pathCases } from './hostile-paths.ts';

/** By what an image tries it. */
export const GROUPS = {
  'a path': pathCases,
  'a link': linkCases,
  'an order': orderCases,
  'a name': nameCases,
  'an archive': archiveCases,
} as const;
