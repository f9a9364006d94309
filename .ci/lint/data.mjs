/**
 * Rules for what strangers send: it may be a million of anything, and nested as deep as they like.
 *
 * - `no-spread-arguments`: `push(...many)` puts each of them on the stack, which ends the process where there are too many.
 * - `no-recursion`: a function that calls itself goes as deep as its data; one whose depth is bounded says by what, in a comment
 *   `Bounded: …` before the function.
 */

const noSpreadArguments = {
  create: (context) => ({
    'CallExpression, NewExpression': (node) => {
      for (const argument of node.arguments) {
        if (argument.type !== 'SpreadElement' || isFew(argument.argument)) continue;
        context.report({ node: argument, message: 'Spread no data into arguments: use a loop, or flat().' });
      }
    },
  }),
};

/** What somebody has written down: a list, a constant, or the rest of the arguments of the function itself. */
function isFew(node) {
  if (node.type === 'ArrayExpression') return true;
  if (node.type !== 'Identifier') return false;
  if (/^[A-Z][A-Z0-9_]*$/.test(node.name)) return true;
  for (let at = node.parent; at; at = at.parent)
    if (at.params?.some((one) => one.type === 'RestElement' && one.argument.name === node.name)) return true;
  return false;
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** The name by which a function can call itself: its own, that of its variable, or `#name` and `name` of a method. */
function nameOf(node) {
  if (node.id) return node.id.name;
  const { parent } = node;
  if (parent.type === 'VariableDeclarator' && parent.id.type === 'Identifier') return parent.id.name;
  if (parent.type === 'MethodDefinition' && !parent.computed) return methodName(parent.key);
  return undefined;
}

/** What a call names: `f()`, or `this.f()` and `this.#f()`. */
function calleeOf({ callee }) {
  if (callee.type === 'Identifier') return callee.name;
  if (callee.type === 'MemberExpression' && callee.object.type === 'ThisExpression' && !callee.computed)
    return methodName(callee.property);
  return undefined;
}

function methodName({ type, name }) {
  return type === 'PrivateIdentifier' ? `this.#${name}` : `this.${name}`;
}

/** What a timer calls begins anew. */
function isTimers({ type, parent }) {
  return (
    type === 'ArrowFunctionExpression' &&
    parent.type === 'CallExpression' &&
    /^set(Timeout|Immediate)$/.test(parent.callee.name ?? '')
  );
}

const noRecursion = {
  create: (context) => {
    const source = context.sourceCode;
    return {
      CallExpression: (call) => {
        const called = calleeOf(call);
        if (called === undefined) return;
        for (let node = call.parent; node; node = node.parent) {
          if (isTimers(node)) return;
          if (!FUNCTIONS.has(node.type) || nameOf(node) !== called) continue;
          if (isBounded(source, node)) return;
          context.report({
            node: call,
            message: `${called} calls itself, as deep as its data: use a list of what is left, or say "Bounded: …" before it.`,
          });
          return;
        }
      },
    };
  },
};

/** Whether a comment right before the function says what bounds its depth. */
function isBounded(source, node) {
  for (
    let at = node;
    at && at.type !== 'Program' && at.type !== 'BlockStatement' && at.type !== 'ClassBody';
    at = at.parent
  )
    if (source.getCommentsBefore(at).some(({ value }) => /\bBounded: \S/.test(value))) return true;
  return false;
}

export default {
  meta: { name: 'data' },
  rules: { 'no-spread-arguments': noSpreadArguments, 'no-recursion': noRecursion },
};
