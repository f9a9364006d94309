import type { Command, ConfigurationCommand } from './command.ts';

type AnyCommand = Command | ConfigurationCommand;

/** All commands, in the order of the help. Each is loaded when it is needed: that is what a short run takes most of its time for. */
const COMMANDS: Readonly<Record<string, () => Promise<AnyCommand>>> = {
  convert: async () => (await import('./commands/convert.ts')).convertCommand,
  'convert-single-image': async () =>
    (await import('./commands/convert-single-image.ts')).convertSingleImageCommand,
  daemon: async () => (await import('./commands/daemon.ts')).daemonCommand,
  loop: async () => (await import('./commands/loop.ts')).loopCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  retry: async () => (await import('./commands/retry.ts')).retryCommand,
  pause: async () => (await import('./commands/pause.ts')).pauseCommand,
  resume: async () => (await import('./commands/resume.ts')).resumeCommand,
  rebuild: async () => (await import('./commands/rebuild.ts')).rebuildCommand,
  'download-manifest': async () => (await import('./commands/download-manifest.ts')).downloadManifestCommand,
  'check-image-syntax': async () =>
    (await import('./commands/check-image-syntax.ts')).checkImageSyntaxCommand,
  'wishlist expand': async () => (await import('./commands/wishlist-expand.ts')).wishlistExpandCommand,
  'wishlist import': async () => (await import('./commands/wishlist-import.ts')).wishlistImportCommand,
  'wishlist check': async () => (await import('./commands/wishlist-check.ts')).wishlistCheckCommand,
  'wishlist sources': async () => (await import('./commands/wishlist-sources.ts')).wishlistSourcesCommand,
  'client-config': async () => (await import('./commands/client-config.ts')).clientConfigCommand,
  'config check': async () => (await import('./commands/config-check.ts')).configCheckCommand,
  'config show': async () => (await import('./commands/config-show.ts')).configShowCommand,
};

/** The commands that the arguments `argv` may mean: those that begin with their first word, or else all of them. */
export async function commandsFor([first]: readonly string[]): Promise<readonly AnyCommand[]> {
  const all = Object.entries(COMMANDS);
  const named = all.filter(([name]) => name.split(' ')[0] === first);
  return await Promise.all((named.length > 0 ? named : all).map(async ([, load]) => await load()));
}
