/** Which days a billing run may be for. What would break without it: drafts get their numbers years too early. */
import { expect, it } from 'vitest';
import { businessDateError } from '../../billing-runs/business-date.ts';

const NOW = '2026-12-31T23:59:59.999Z';

it('a business date is at most tomorrow in UTC', () => {
  for (const date of ['0001-01-01', '2026-12-30', '2026-12-31', '2027-01-01'])
    expect(businessDateError(date, NOW), date).toBeUndefined();
  for (const date of ['2027-01-02', '2062-11-26', '9999-12-31'])
    expect(businessDateError(date, NOW), date).toEqual({
      path: 'businessDate',
      code: 'in_the_future',
      message: 'must not be after tomorrow, 2027-01-01 (UTC)',
    });
});
