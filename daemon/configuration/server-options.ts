import type { Option } from './options.ts';
import { path, string } from './value-types.ts';

/** Where the parts of a release manager of CernVM-FS are. */
export const SERVER_OPTIONS = {
  cvmfsServer: {
    key: 'cvmfs-server',
    flag: '--cvmfs-server <command>',
    type: string,
    default: 'cvmfs_server',
    group: 'CVMFS server:',
    description: 'the command that publishes',
  },
  cvmfsSpool: {
    key: 'cvmfs-spool',
    flag: '--cvmfs-spool <dir>',
    type: path,
    default: '/var/spool/cvmfs',
    group: 'CVMFS server:',
    description: 'where the server keeps the spool of each repository',
  },
  cvmfsConfiguration: {
    key: 'cvmfs-configuration',
    flag: '--cvmfs-configuration <dir>',
    type: path,
    default: '/etc/cvmfs',
    group: 'CVMFS server:',
    description: 'where the server keeps the configuration of each repository',
  },
} as const satisfies Readonly<Record<string, Option>>;
