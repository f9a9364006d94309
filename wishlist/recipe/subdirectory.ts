import { Failure } from '../../core/failure.ts';
import { isOwnFolder } from '../../core/outputs.ts';
import { quoted } from '../../core/text.ts';
import { looksLikeRegistry } from '../../core/oci/registry-host.ts';
import { withoutSecrets } from '../../core/secrets.ts';

const COMPONENT = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const MAXIMUM_COMPONENTS = 10;
const MAXIMUM_CHARACTERS = 200;
const HINT = 'write a path such as subdirectory: physics/simulation';

/**
 * Reads the beginning of public names: up to ten components with slashes in between, 200 characters in all.
 *
 * The first one must not look like a registry. Without a subdirectory a public name begins with its registry, so that
 * nobody's images can appear in the place of another registry's. Nor must it be a folder of unpackd's own.
 *
 * @throws Failure `setting-invalid`
 */
export function parseSubdirectory(text: string): string {
  const components = text.split('/');
  if (text.length > MAXIMUM_CHARACTERS || components.length > MAXIMUM_COMPONENTS) {
    const limits = `${MAXIMUM_COMPONENTS} components and ${MAXIMUM_CHARACTERS} characters`;
    throw invalid(text, `it has more than ${limits}`, 'shorten it');
  }
  for (const component of components) checkComponent(text, component);
  const [first = ''] = components;
  if (looksLikeRegistry(first)) {
    const reason = `its first component ${quoted(withoutSecrets(first))} could be the registry of other images`;
    throw invalid(text, reason, 'begin with a name without dots that is not localhost');
  }
  if (isOwnFolder(first)) {
    const reason = `its first component ${quoted(first)} is where unpackd keeps what is everybody's`;
    throw invalid(text, reason, 'begin with another name');
  }
  return text;
}

function checkComponent(text: string, component: string): void {
  if (component === '') {
    const reason = text === '' ? 'it is empty' : 'it has an empty component';
    throw invalid(text, reason, `${HINT}, without a slash at its beginning or end`);
  }
  if (COMPONENT.test(component)) return;
  const reason = `the component ${quoted(withoutSecrets(component))} is not made of letters, digits and . _ -, or begins with . or -`;
  throw invalid(text, reason, HINT);
}

function invalid(text: string, reason: string, hint: string): Failure {
  const message = `${quoted(withoutSecrets(text))} is no subdirectory: ${reason}`;
  return new Failure('setting-invalid', message, { hint });
}
