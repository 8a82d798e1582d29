/** A warm-up is over in time, whatever happens to it. */
import { expect, test } from 'vitest';
import { createWarming, type WarmUp } from '../../src/engine/warming.ts';

const never: WarmUp = () => new Promise(() => {});

test('the server may be ready when it is done', async () => {
  const warming = createWarming(async () => {});
  await warming.begin();
  await warming.closed();
});

test('one that hangs is over after its time', async () => {
  await createWarming(never, 1).begin();
});

test('an end does not wait for what it has to close', async () => {
  const closing = Promise.withResolvers<void>();
  const warming = createWarming(() => closing.promise);
  const over = warming.begin();
  warming.end();
  await over;
  closing.resolve();
  await warming.closed();
});

test('what comes before its beginning does not end it', async () => {
  let aborted: boolean | undefined;
  const warming = createWarming(async (signal) => {
    aborted = signal.aborted;
  });
  warming.end();
  await warming.closed();
  await warming.begin();
  expect(aborted).toBe(false);
});
