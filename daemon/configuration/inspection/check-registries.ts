import { isFailure, withHint } from '../../../core/failure.ts';
import { readNetwork, readRegistries } from '../registries/registries.ts';
import type { CheckContext } from './context.ts';
import { fileOf, warnIfExposed } from './secret-files.ts';

/** Whether all that is named for registries, and for the way to them, can be read and makes sense. */
export async function checkRegistries(context: CheckContext): Promise<void> {
  const { configuration, environment, findings, placeOf } = context;
  await findings.collect(
    async (problems) => await readRegistries({ configuration, environment }, problems, placeOf),
  );
  for (const { login, clientCertificate } of configuration.registries) {
    await warnIfExposed(fileOf(login?.password), findings);
    await warnIfExposed(clientCertificate?.key, findings);
  }
  try {
    await readNetwork(environment);
  } catch (error) {
    if (!isFailure(error)) throw error;
    findings.error(withHint(error));
  }
}
