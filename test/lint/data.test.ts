import assert from 'node:assert/strict';
import { findingsIn } from './rules.ts';

describe('lint/data', () => {
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
    const found = await findingsIn(
      'data',
      ['no-spread-arguments', 'no-recursion'],
      cases.map(([, text]) => text),
    );
    assert.deepEqual(
      cases.map(([what], index) => [what, found[index]]),
      cases.map(([what, , rule]) => [what, rule === undefined ? [] : [rule]]),
    );
  });
});
