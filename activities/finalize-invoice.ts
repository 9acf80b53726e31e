import { formatInvoiceNumber } from '../domain/invoice.ts';
import type { TransactionClient } from '../platform/database.ts';
import type { StepCommand } from '../workflows/contract.ts';
import { type StepDeps, runStep } from './run-step.ts';

/** Finalizing draws the public number, as the last lock of the transaction: gap-free per tenant and year (INV-21). */
export const createFinalizeInvoice = (deps: StepDeps) => (command: StepCommand<'finalize'>) =>
  runStep(deps, 'finalize', command, {
    complete: async (tx, invoice) => ({
      ...invoice,
      number: await drawNumber(tx, invoice.tenantId, command.acceptedAt),
    }),
  });

async function drawNumber(tx: TransactionClient, tenantId: string, acceptedAt: string): Promise<string> {
  const year = new Date(acceptedAt).getUTCFullYear();
  const [row] = await tx.$queryRaw<{ last_number: number }[]>`
    INSERT INTO invoice_numbers (tenant_id, year, last_number) VALUES (${tenantId}::uuid, ${year}, 1)
    ON CONFLICT (tenant_id, year) DO UPDATE SET last_number = invoice_numbers.last_number + 1
    RETURNING last_number`;
  if (!row) throw new TypeError('The number counter returned no row.');
  return formatInvoiceNumber(year, row.last_number);
}
