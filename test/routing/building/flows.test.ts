import { describe, expect, test } from 'vitest';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

const OTHERWISE = 'otherwise: [hangup]';

async function stepsOf(text: string) {
  const result = await load(text);
  expect([...problemsOf(result), ...warningsOf(result)]).toEqual([]);
  return result.ok ? result.set.otherwise : [];
}

describe('a flow', () => {
  test('is its steps, wherever it is run', async () => {
    const steps = await stepsOf(`flows:
  inner: [{ say: "Sorry." }]
  outer: [{ run: inner }, { menu: { say: "Press 1.", digits: { "1": [{ run: inner }, continue] } } }]
otherwise: [{ transfer: "+14155550199", if_failed: { busy: [{ run: outer }] } }, { run: inner }, hangup]
last_resort: [{ run: inner }, hangup]`);
    const sorry = { do: 'say', text: [{ literal: 'Sorry.' }] };
    expect(steps).toMatchObject([
      {
        do: 'transfer',
        ifFailed: { busy: [sorry, { do: 'menu', digits: { '1': [sorry, { do: 'continue' }] } }] },
      },
      sorry,
      { do: 'hangup' },
    ]);
  });

  test('may be written in another file, after the rule that runs it', async () => {
    const result = await load({
      'a.yaml': `rules: [{ name: a, when: { to: "+14155550100" }, do: [{ run: bye }] }]\n${OTHERWISE}`,
      'b.yaml': 'flows: { bye: [{ say: "Goodbye." }, hangup] }',
    });
    expect(result).toMatchObject({ ok: true, warnings: [] });
  });

  test.each([
    [
      'of no such name',
      `flows: { bye: [hangup] }\notherwise: [{ run: by }]`,
      'unknown flow "by"',
      'did you mean',
    ],
    [
      'of no flows at all',
      `otherwise: [{ run: by }]`,
      'unknown flow "by"',
      'write it under flows:',
    ],
    [
      'that runs itself',
      `flows: { a: [{ run: a }] }\n${OTHERWISE}`,
      '1:21 the flow "a" runs itself: "a" runs "a"',
      'remove',
    ],
    [
      'that runs itself through others',
      `flows:\n  a: [{ run: b }]\n  b: [{ menu: { say: hi, digits: { "1": [{ run: a }] } } }]\notherwise: [{ run: a }]`,
      '3:49 the flow "a" runs itself: "a" runs "b" runs "a"',
      'remove',
    ],
    [
      'that moves, in the last resort',
      `flows: { a: [{ transfer: "+14155550199" }] }\n${OTHERWISE}\nlast_resort: [{ run: a }]`,
      'last_resort cannot transfer, as the flow "a" does',
      'only say, play, reject, hangup',
    ],
    [
      'that ends the call, with steps after it',
      `flows: { a: [hangup] }\notherwise: [{ run: a }, { say: hi }]`,
      'the flow "a" ends with hangup: what follows never runs',
      'run it last',
    ],
    [
      'with a continue of its own',
      `flows: { a: [{ say: hi }, continue] }\notherwise: [{ run: a }]`,
      'continue is outside a branch',
      'after run',
    ],
  ])('%s is a problem', async (_what, text, message, hint) => {
    const [problem = '', ...others] = problemsOf(await load(text));
    expect(problem).toContain(message);
    expect(problem).toContain(hint);
    expect(others).toEqual([]);
  });

  test('that nothing runs is a warning, and its own problems are still found', async () => {
    const unused = await load(`flows: { a: [hangup] }\n${OTHERWISE}`);
    expect(warningsOf(unused)).toEqual([
      '1:10 the flow "a" is not used by any rule (remove it, or use it)',
    ]);
    expect(problemsOf(await load(`flows: { a: [{ refer: us }] }\n${OTHERWISE}`))).toHaveLength(1);
  });

  test('that runs others many times over is refused, not built', async () => {
    const more = Array.from(
      { length: 40 },
      (_, n) => `  f${n + 1}: [{ run: f${n} }, { run: f${n} }]`,
    );
    const text = `flows:\n  f0: [{ say: hi }]\n${more.join('\n')}\notherwise: [{ run: f40 }]`;
    expect(problemsOf(await load(text))[0]).toContain('more than 1000 steps here');
  });

  test('is a step of a handler too', async () => {
    const result = await load({
      'main.yaml': `flows: { bye: [{ say: "Goodbye." }, hangup] }\nrules: [{ name: h, handler: handlers/h.ts }]\n${OTHERWISE}`,
      'handlers/h.ts': "export default () => [{ run: 'bye' }];",
    });
    expect(problemsOf(result)).toEqual([]);
    expect(warningsOf(result)).toEqual([]);
  });
});
