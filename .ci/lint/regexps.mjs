import { RegExpParser } from '@eslint-community/regexpp';
import { analyse } from 'scslre';

/** Finds regular expressions that take more than linear time for some text: strangers would find that text. */
const parser = new RegExpParser();

const noSuperLinear = {
  create: (context) => ({
    Literal: (node) => {
      if (!node.regex) return;
      for (const { type, exponential } of reportsOf(node.regex)) {
        const growth = exponential ? 'exponential' : 'polynomial';
        context.report({ node, message: `Takes ${growth} time for some text (${type}).` });
      }
    },
  }),
};

function reportsOf({ pattern, flags }) {
  const mode = { unicode: flags.includes('u'), unicodeSets: flags.includes('v') };
  const ast = parser.parsePattern(pattern, 0, pattern.length, mode);
  return analyse({ pattern: ast, flags: parser.parseFlags(flags) }).reports;
}

export default { meta: { name: 'regexps' }, rules: { 'no-super-linear': noSuperLinear } };
