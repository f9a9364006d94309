/**
 * A suite is found by its title: an outermost `describe` of `test/a/b.test.ts` is called `a/b`, or `a/b: WHAT` if the file has
 * several. So are suites of functions of our own whose name begins with "describe".
 */
import { relative } from 'node:path';

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

const path = {
  create: (context) => {
    const [, expected] = /^test\/(.*)\.test\.ts$/.exec(relative(context.cwd, context.filename)) ?? [];
    if (expected === undefined) return {};
    return {
      CallExpression: (call) => {
        if (!/^describe/.test(nameOf(call.callee)) || isInFunction(call)) return;
        const title = call.arguments.find(({ type }) => type === 'Literal' || type === 'TemplateLiteral');
        const text = title === undefined ? undefined : startOf(title);
        if (text === expected || text?.startsWith(`${expected}: `)) return;
        context.report({
          node: title ?? call,
          message: `Call this suite '${expected}', or '${expected}: …' if there are several in the file.`,
        });
      },
    };
  },
};

/** `describe`, also of `describe.skip`. */
function nameOf(callee) {
  const { name } = callee.type === 'MemberExpression' ? callee.object : callee;
  return name ?? '';
}

function isInFunction(node) {
  for (let at = node.parent; at; at = at.parent) if (FUNCTIONS.has(at.type)) return true;
  return false;
}

/** The text of a title, up to its first value. */
function startOf({ type, value, quasis }) {
  return type === 'Literal' ? value : quasis[0].value.cooked;
}

export default { meta: { name: 'titles' }, rules: { path } };
