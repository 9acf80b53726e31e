import { z } from 'zod';
import { calendarDate, oneLine, uuid } from '../values/schema.ts';
import { dayTexts } from '../values/text.ts';

/** Received from accounting. Further members are accounting's. */
export const businessDayEnded = {
  name: 'BusinessDayEnded',
  domain: 'accounting',
  entity: 'BusinessDay',
  topic: 'operations',
  version: 1,
  scope: 'public',
  key: ['tenantId', 'businessDate'],
  subject: 'businessDate',
  schema: () =>
    z.object({
      tenantId: uuid().nullish().meta({ description: 'All tenants when absent' }),
      businessDate: calendarDate(),
      market: oneLine(...dayTexts.market).nullish(),
      region: oneLine(...dayTexts.region).nullish(),
    }),
  example: () => ({ businessDate: '2029-11-30', market: 'XETR', region: 'DE' }),
  description: 'Received from accounting: a business day is over, drafts that are due get their numbers.',
} as const;
