/** The routes that read cashiers, what they accept, and what was paid to them. */
import { type Cashier, cashierSchema, cashierToWire } from '../../cashiers/members.ts';
import { instant, untrimmed } from '../../values/schema.ts';
import { z } from 'zod';
import { cashierNotFound } from '../../cashiers/refusals.ts';
import {
  acceptedCurrenciesSchema,
  cashierListSchema,
  cashierPageSchema,
  cashierPaymentListSchema,
} from '../../cashiers/schemas.ts';
import { cashierTexts } from '../../values/text.ts';
import type { Database } from '../../platform/database.ts';
import { cashierById } from '../../cashiers/by-id.ts';
import { type CashierPosition, listCashiers } from '../../cashiers/list.ts';
import { type PaymentPosition, cashierPayments } from '../../cashiers/payments.ts';
import { cursorOf, positionOf } from '../cursor.ts';
import { etag } from '../headers.ts';
import { type ProblemCode, everyRead, problemOf } from '../problems.ts';
import type { Call, Route } from '../route.ts';
import { idOrNotFound, parseOrRefuse } from '../validation.ts';

const CASHIERS = '/v1/cashiers';
const ofOne: Pick<Route, 'method' | 'tag' | 'scope' | 'params'> & { problems: readonly ProblemCode[] } = {
  method: 'get',
  tag: 'Cashiers',
  scope: 'cashiers:read',
  params: z.object({ id: z.string().meta({ description: 'The cashier’s id' }) }),
  problems: [...everyRead, 'cashier_not_found'],
};

export function cashierReadRoutes({ database }: { database: Database }): Route[] {
  /** An unknown, a malformed and another tenant's id cannot be told apart. */
  async function find(call: Call): Promise<Cashier> {
    const id = idOrNotFound(call, cashierNotFound);
    const cashier = await cashierById(database, call.identity.tenantId, id);
    if (!cashier) throw problemOf(cashierNotFound(id));
    return cashier;
  }
  return [
    listRoute(database),
    {
      ...ofOne,
      path: '/v1/cashiers/{id}',
      operationId: 'getCashier',
      summary: 'Read a cashier',
      answers: { 200: { description: 'The cashier', schema: cashierSchema, headers: ['ETag'] } },
      handle: async (call) => {
        const cashier = await find(call);
        return { status: 200, headers: { ETag: etag(cashier.version) }, body: cashierToWire(cashier) };
      },
    },
    {
      ...ofOne,
      path: '/v1/cashiers/{id}/currencies',
      operationId: 'listAcceptedCurrencies',
      summary: 'List the currencies a cashier accepts',
      description: 'None listed means that every currency is accepted.',
      answers: { 200: { description: 'The currencies by code', schema: acceptedCurrenciesSchema } },
      handle: async (call) => {
        const { currencies } = await find(call);
        return { status: 200, body: { items: currencies } };
      },
    },
    {
      ...ofOne,
      path: '/v1/cashiers/{id}/payments',
      operationId: 'listCashierPayments',
      summary: 'List what was paid on a cashier’s invoices, newest first',
      query: cashierPageSchema,
      answers: { 200: { description: 'One page', schema: cashierPaymentListSchema } },
      problems: [...ofOne.problems, 'validation_failed'],
      handle: async (call) => {
        const { limit, cursor } = parseOrRefuse(cashierPageSchema, call.query);
        const { tenantId, id } = await find(call);
        const list = `${CASHIERS}/${id}/payments`;
        const after = positionOf(list, paymentPosition, cursor);
        const { payments, next } = await cashierPayments(database, { tenantId, cashierId: id }, limit, after);
        return {
          status: 200,
          body: { items: payments, nextCursor: next && cursorOf(list, next.recordedAt, next.paymentId) },
        };
      },
    },
  ];
}

function listRoute(database: Database): Route {
  return {
    method: 'get',
    path: CASHIERS,
    operationId: 'listCashiers',
    summary: 'List cashiers by name',
    tag: 'Cashiers',
    scope: 'cashiers:read',
    query: cashierPageSchema,
    answers: { 200: { description: 'One page', schema: cashierListSchema } },
    problems: [...everyRead, 'validation_failed'],
    handle: async ({ identity, query }) => {
      const { limit, cursor } = parseOrRefuse(cashierPageSchema, query);
      const after = positionOf(CASHIERS, cashierPosition, cursor);
      const { cashiers, next } = await listCashiers(database, identity.tenantId, limit, after);
      return {
        status: 200,
        body: { items: cashiers.map(cashierToWire), nextCursor: next && cursorOf(CASHIERS, next.name, next.id) },
      };
    },
  };
}

// The name as it stands there: trimmed in another way it would be another place.
const cashierPosition = z
  .tuple([untrimmed(0, cashierTexts.name[1]), z.guid()])
  .transform(([name, id]): CashierPosition => ({ name, id }));
const paymentPosition = z
  .tuple([instant(), z.guid()])
  .transform(([recordedAt, paymentId]): PaymentPosition => ({ recordedAt, paymentId }));
