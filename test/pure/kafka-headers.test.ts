/** The headers of a record as the broker gives them. What would break without it: two events that look like one. */
import { headersOf } from '../../platform/kafka-source.ts';
import { expect, it } from 'vitest';

const bytes = (text: string) => Buffer.from(text);

it('each header is the text that it is in UTF-8', () => {
  expect(headersOf({ ce_id: bytes('7'), ce_source: bytes('/zahlung/münchen') })).toEqual({
    ce_id: '7',
    ce_source: '/zahlung/münchen',
  });
  expect(headersOf(undefined)).toEqual({});
});

it('a header without a value is empty, and not the text "null"', () => {
  expect(headersOf({ ce_id: null as never, ce_tenantid: undefined })).toEqual({ ce_id: '', ce_tenantid: '' });
});

it('a header that is given twice says one thing, or else both, a line each', () => {
  expect(headersOf({ ce_id: [bytes('7'), bytes('7')], ce_type: [bytes('a'), bytes('b'), bytes('a')] })).toEqual({
    ce_id: '7',
    ce_type: 'a\nb',
  });
});

it('bytes that are not UTF-8 show as U+FFFD, so that a reader refuses them', () => {
  expect(headersOf({ ce_id: Buffer.from([0x61, 0xff]) })).toEqual({ ce_id: 'a\uFFFD' });
});
