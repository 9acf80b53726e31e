/** The members of the service's answers that an import reads. */
import { z } from 'zod';

export const invoiceAnswer = z.looseObject({ id: z.string() });

export const problemAnswer = z.looseObject({
  code: z.string(),
  detail: z.string().default(''),
  errors: z.array(z.looseObject({ path: z.string(), code: z.string(), message: z.string() })).default([]),
});

export const operationAnswer = z.looseObject({
  status: z.string(),
  invoice: invoiceAnswer.nullish(),
  problem: problemAnswer.nullish(),
});

/** What came of each row of a batch, in the order of the request. */
export const batchAnswer = z.looseObject({
  items: z.array(
    z.looseObject({
      replayed: z.array(z.string()),
      invoice: invoiceAnswer.nullable(),
      problem: problemAnswer.nullable(),
    }),
  ),
});
