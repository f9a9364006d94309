import { readdirSync } from 'node:fs';
import koffi from 'koffi';

/** The C library, for system calls that Node does not offer. */
export const libc = koffi.load(libcName());

/** Whether the last system call of {@link libc} failed with `code`, such as `EAGAIN`. */
export function failedWith(code: string): boolean {
  return koffi.errno() === koffi.os.errno[code];
}

/** What the last system call of {@link libc} failed with, as Node's own errors are: with `code`, `syscall` and `path`. */
export function systemError(syscall: string, path: string): NodeJS.ErrnoException {
  const errno = koffi.errno();
  const code = Object.entries(koffi.os.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { errno: -errno, code, syscall, path });
}

function libcName(): string {
  const musl = readdirSync('/lib').find((name) => name.startsWith('libc.musl-'));
  return musl ?? 'libc.so.6';
}
