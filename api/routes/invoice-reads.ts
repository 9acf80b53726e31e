/** The routes that read invoices. They ask Postgres alone, so they go on while Temporal is away. */
import type { HistoryEntry } from '../../workflows/contract/invoice.ts';
import { invoiceNotFound } from '../../invoices/refusals.ts';
import { instant } from '../../values/schema.ts';
import { invoiceSchema } from '../../invoices/wire.ts';
import { z } from 'zod';
import { historySchema, invoiceListSchema, listInvoicesSchema } from '../../invoices/schemas.ts';
import { toWire } from '../../invoices/wire.ts';
import { isTimedStep } from '../../invoices/lifecycle.ts';
import type { Database } from '../../platform/database.ts';
import { invoiceById } from '../../invoices/by-id.ts';
import { invoiceHistory } from '../../invoices/history.ts';
import { type ListPosition, listInvoices } from '../../invoices/list.ts';
import { cursorOf, positionOf } from '../cursor.ts';
import { etag } from '../headers.ts';
import { everyRead, problemOf } from '../problems.ts';
import type { Call, Route } from '../route.ts';
import { idOrNotFound, parseOrRefuse } from '../validation.ts';

/** What time brings leaves the version as it is (TIM-03). */
const isVersion = ({ action }: HistoryEntry): boolean => !isTimedStep(action);
const INVOICES = '/v1/invoices';
const byId = z.object({ id: z.string().meta({ description: 'The invoice’s id' }) });

export function invoiceReadRoutes({ database }: { database: Database }): Route[] {
  /** An unknown, a malformed and another tenant's id cannot be told apart. */
  async function find(call: Call) {
    const id = idOrNotFound(call, invoiceNotFound);
    const invoice = await invoiceById(database, call.identity.tenantId, id);
    if (!invoice) throw problemOf(invoiceNotFound(id));
    return invoice;
  }
  return [
    listRoute(database),
    {
      method: 'get',
      path: '/v1/invoices/{id}',
      operationId: 'getInvoice',
      summary: 'Read an invoice',
      tag: 'Invoices',
      scope: 'invoices:read',
      params: byId,
      answers: { 200: { description: 'The invoice', schema: invoiceSchema, headers: ['ETag'] } },
      problems: [...everyRead, 'invoice_not_found'],
      handle: async (call) => {
        const invoice = await find(call);
        return { status: 200, headers: { ETag: etag(invoice.version) }, body: toWire(invoice, call.acceptedAt) };
      },
    },
    {
      method: 'get',
      path: '/v1/invoices/{id}/history',
      operationId: 'getInvoiceHistory',
      summary: 'Read every version of an invoice: who, when, what, why',
      tag: 'Invoices',
      scope: 'invoices:read',
      params: byId,
      answers: { 200: { description: 'The history, oldest first', schema: historySchema } },
      problems: [...everyRead, 'invoice_not_found'],
      handle: async (call) => {
        const { tenantId, id } = await find(call);
        return { status: 200, body: { items: (await invoiceHistory(database, tenantId, id)).filter(isVersion) } };
      },
    },
  ];
}

function listRoute(database: Database): Route {
  return {
    method: 'get',
    path: INVOICES,
    operationId: 'listInvoices',
    summary: 'List invoices, newest first',
    tag: 'Invoices',
    scope: 'invoices:read',
    query: listInvoicesSchema,
    answers: { 200: { description: 'One page', schema: invoiceListSchema } },
    problems: [...everyRead, 'validation_failed'],
    handle: async ({ identity, query, acceptedAt }) => {
      const { cursor, ...filter } = parseOrRefuse(listInvoicesSchema, query);
      const { invoices, next } = await listInvoices(
        database,
        identity.tenantId,
        filter,
        positionOf(INVOICES, positionSchema, cursor),
      );
      return {
        status: 200,
        body: {
          items: invoices.map((invoice) => toWire(invoice, acceptedAt)),
          nextCursor: next && cursorOf(INVOICES, next.createdAt, next.id),
        },
      };
    },
  };
}

const positionSchema = z.tuple([instant(), z.guid()]).transform(([createdAt, id]): ListPosition => ({ createdAt, id }));
