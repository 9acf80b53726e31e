/**
 * What staff were told before their keys named the invoice: `staff:{update id}`, one for the whole tenant, with a
 * fingerprint that said nothing. A reset applies their updates again, under the keys of today: what was carried out is
 * not carried out twice, and what was refused stays refused. Of a refusal the step was not stored, so any step is
 * refused.
 *
 * It goes when no workflow is open, or can be reset, that ran before 2026-12.
 */
import type { CommandHead } from './decision.ts';
import type { Refusal } from './refusal.ts';
import type { TransactionClient } from '../platform/database.ts';
import { STAFF } from './staff-key.ts';

const FINGERPRINT = 'staff';

export type Former = { kind: 'known'; answer: string } | { kind: 'refused'; refusal: Refusal };

/** Read after the entity was locked, so an attempt under the former key that was under way is seen. */
export async function formerOutcome(
  tx: TransactionClient,
  { tenantId, key, attemptId }: CommandHead,
  { entityId, step }: { entityId: string; step: string },
): Promise<Former | undefined> {
  const formerKey = `${STAFF}${attemptId}`;
  if (!key.startsWith(STAFF) || key === formerKey) return undefined;
  const same = { tenantId, key: formerKey, fingerprint: FINGERPRINT, entityId };
  const known = await tx.command.findFirst({ where: { ...same, step } });
  if (known?.answer) return { kind: 'known', answer: known.answer };
  const answered = await tx.refusal.findFirst({ where: { ...same, attemptId } });
  if (!answered) return undefined;
  const { code, detail, members } = answered;
  const refusal = { code, detail, members: JSON.parse(members) as Refusal['members'] };
  return { kind: 'refused', refusal };
}
