import type { RequestRecord } from '../../core/http/request-record.ts';
import { formatBytes, formatDuration } from './format.ts';

/** `GET https://quay.io/v2/lab/a/tags/list: 200, 1.2 kB in 0.3 s (try 2, with credentials)` */
export function requestText(record: RequestRecord): string {
  const { method, url, status, error, durationMs, tryNumber, bytes, isAuthorized } = record;
  const outcome = [status, error].filter((part) => part !== undefined).join(', ');
  const remarks = [
    ...(tryNumber > 1 ? [`try ${tryNumber}`] : []),
    ...(isAuthorized ? ['with credentials'] : []),
  ];
  const end = remarks.length === 0 ? '' : ` (${remarks.join(', ')})`;
  return `${method} ${url}: ${outcome}, ${formatBytes(bytes)} in ${formatDuration(durationMs)}${end}`;
}
