import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/setup.ts';

const run = promisify(execFile);

describe('the rules of the linter about data', () => {
  const cases: [what: string, text: string, rule: string | undefined][] = [
    ['data spread into a call', 'export const f = (a: number[]) => [].push(...a);', 'no-spread-arguments'],
    [
      'what is mapped spread',
      'export const f = (a: number[]) => Math.max(0, ...a.map(Number));',
      'no-spread-arguments',
    ],
    ['a list that is written down', "export const f = () => console.log(...['a', 'b']);", undefined],
    ['a constant', 'const FEW = [1, 2]; export const f = () => Math.max(...FEW);', undefined],
    ['the rest of the arguments', 'export const f = (...all: number[]) => Math.max(...all);', undefined],
    ['an array made of one', 'export const f = (a: number[]) => [...a];', undefined],
    [
      'a function that calls itself',
      'export function f(n: number): number { return f(n - 1); }',
      'no-recursion',
    ],
    ['a generator', 'export function* f(n: number): Generator<number> { yield* f(n - 1); }', 'no-recursion'],
    ['a callback', 'export const f = (n: number[][]): unknown => n.map((one) => f([one]));', 'no-recursion'],
    ['a method', 'export class C { #m(): void { this.#m(); } }', 'no-recursion'],
    ['another method of like name', 'export class C { m(): void { this.#m(); } #m(): void {} }', undefined],
    ['one that a timer calls', 'export class C { m(): void { setTimeout(() => this.m(), 1); } }', undefined],
    [
      'one that says why',
      '/** Bounded: by n. */\nexport function f(n: number): number { return f(n - 1); }',
      undefined,
    ],
  ];
  it('find what they are for, and nothing else', async () => {
    const folder = await temporaryDirectory('lint');
    const configuration = {
      jsPlugins: [resolve('.ci/lint/data.mjs')],
      categories: { correctness: 'off' },
      rules: { 'data/no-spread-arguments': 'error', 'data/no-recursion': 'error' },
    };
    await writeFile(join(folder, 'rules.json'), JSON.stringify(configuration));
    for (const [index, [, text]] of cases.entries()) await writeFile(join(folder, `case-${index}.ts`), text);
    const words = ['-c', join(folder, 'rules.json'), '--format', 'json', folder];
    const { stdout } = await run('node_modules/.bin/oxlint', words).catch(
      (error: { stdout: string }) => error,
    );
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
    const found = cases.map(([what], index) => {
      const codes = diagnostics.filter(({ filename }) => filename.endsWith(`case-${index}.ts`));
      return [what, codes.map(({ code }) => /\((.*)\)/.exec(code)?.[1])];
    });
    assert.deepEqual(
      found,
      cases.map(([what, , rule]) => [what, rule === undefined ? [] : [rule]]),
    );
  });
});
