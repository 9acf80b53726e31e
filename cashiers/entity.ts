/** How a cashier is stored and audited. */
import { type Change, defineEntity } from '../commands/entity.ts';
import { type Sql, sql } from '../platform/sql.ts';
import { emailTaken } from './fields.ts';
import { type Cashier, cashierMembers } from './members.ts';
import { currenciesOf } from './row.ts';

export const cashierEntity = defineEntity<typeof cashierMembers, Cashier>({
  type: 'cashier',
  table: 'cashiers',
  members: cashierMembers,
  load: async (tx, stored) => ({ ...stored, currencies: await currenciesOf(tx, stored.tenantId, stored.id) }),
  parts: currencyParts,
  ids: ({ tenantId, id }) => ({ tenantId, cashierId: id }),
  status: () => null,
  refusalOf: (constraint) => (constraint === 'cashiers_tenant_email_key' ? emailTaken() : undefined),
});

/**
 * What differs between the lists before and after. A cashier changes alone, so the parts need no names of their own.
 */
function currencyParts({ before, state: { tenantId, id, currencies } }: Change<Cashier>): Sql[] {
  const had = before?.currencies ?? [];
  const dropped = had.filter(({ currency }) => currencies.every((left) => left.currency !== currency));
  const put = currencies.filter(
    ({ currency, effectiveFrom }) =>
      !had.some((known) => known.currency === currency && known.effectiveFrom === effectiveFrom),
  );
  return [
    ...(dropped.length > 0
      ? [
          sql`the_dropped_currencies AS (DELETE FROM cashier_currencies
            WHERE tenant_id = ${tenantId}::uuid AND cashier_id = ${id}::uuid
              AND currency = ANY(${dropped.map(({ currency }) => currency)}))`,
        ]
      : []),
    ...(put.length > 0
      ? [
          sql`the_currencies AS (
            INSERT INTO cashier_currencies (tenant_id, cashier_id, currency, effective_from)
            SELECT ${tenantId}::uuid, ${id}::uuid, currency, "effectiveFrom"
            FROM jsonb_to_recordset(${JSON.stringify(put)}::jsonb) AS given(currency text, "effectiveFrom" date)
            ON CONFLICT (tenant_id, cashier_id, currency) DO UPDATE SET effective_from = excluded.effective_from)`,
        ]
      : []),
  ];
}
