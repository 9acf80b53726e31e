/** A refusal where there is room for a text only: a dead letter, the Web UI. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { invalidFields, refusal, refusalInWords } from '../../commands/refusal.ts';
import { faultsOf } from '../../messaging/faults.ts';

const future = { path: 'receivedAt', code: 'in_the_future', message: 'must be in the past' };
const unknown = { path: '', code: 'invalid_type', message: 'must be an object' };

it('a refusal in words names each field and what is wrong with it', () => {
  expect(refusalInWords(invalidFields([future, { ...future, path: 'lines.0.amount' }]))).toBe(
    'The request has fields that are not valid. receivedAt: must be in the past; lines.0.amount: must be in the past',
  );
});

it('what is wrong with the whole has no path', () => {
  expect(refusalInWords(invalidFields([unknown]))).toBe('The request has fields that are not valid. must be an object');
  const { error } = z.object({ amount: z.string('must be a text') }, 'must be an object').safeParse(7);
  expect(error && faultsOf(error)).toBe('must be an object');
});

it('a refusal without field errors is its detail, whatever its members are', () => {
  expect(refusalInWords(refusal('invoice_not_found', 'There is no such invoice.'))).toBe('There is no such invoice.');
  for (const errors of [[], null, 'receivedAt', [null, 7, {}]])
    expect(refusalInWords({ code: 'validation_failed', detail: 'Wrong.', members: { errors } })).toBe('Wrong.');
});
