/** A failure with half a character in it cannot be sent, and would end the worker. */
import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { failingWellFormed } from '../../activities/well-formed.ts';

it('what an activity fails with has no half characters, nor have its causes', async () => {
  const { quote } = failingWellFormed({
    quote: async () => {
      throw ApplicationFailure.create({ message: 'no JSON: "\ud83d', cause: new Error('\udc4d is half a thumb') });
    },
  });
  const failure = await quote().catch((error: unknown) => error as ApplicationFailure);
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure.message).toBe('no JSON: "\ufffd');
  expect(failure.stack).not.toMatch(/\p{Cs}/u);
  expect(failure.cause?.message).toBe('\ufffd is half a thumb');
});

it('what succeeds is answered as it is', async () => {
  expect(await failingWellFormed({ same: async (text: string) => text }).same('\ud83d')).toBe('\ud83d');
});
