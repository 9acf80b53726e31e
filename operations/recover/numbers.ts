/** The public numbers that recovery knows of: none is given twice, and a hole is a person's to explain. */
import { z } from 'zod';
import { formatInvoiceNumber } from '../../invoices/number.ts';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';
import type { Problem } from './lost.ts';

interface GivenNumber {
  year: number;
  n: number;
}

/** What a public number says; undefined for what is none. */
function numberIn(value: unknown): GivenNumber | undefined {
  const [, year, n] = (typeof value === 'string' && /^INV-(\d{4})-(\d{6,})$/.exec(value)) || [];
  return year === undefined || n === undefined ? undefined : { year: Number(year), n: Number(n) };
}

const counterRow = z.object({ last_number: z.int() });

/** Numbers that were given since the backup by tenant and year, each of which must follow on the one before. */
export class Numbers {
  readonly #given = new Map<string, { tenantId: string; year: number; numbers: Set<number>; highest: number }>();

  add(tenantId: string, number: unknown): void {
    const given = numberIn(number);
    if (!given) return;
    const key = `${tenantId} ${given.year}`;
    const counter = this.#given.get(key) ?? { tenantId, year: given.year, numbers: new Set(), highest: 0 };
    counter.numbers.add(given.n);
    counter.highest = Math.max(counter.highest, given.n);
    this.#given.set(key, counter);
  }

  async problems(database: Database): Promise<Problem[]> {
    const found: Problem[] = [];
    for (const { tenantId, year, numbers, highest } of this.#given.values()) {
      const last = await lastNumber(database, tenantId, year);
      for (let n = last + 1; n <= highest; n += 1)
        if (!numbers.has(n))
          found.push({
            about: `${tenantId}, ${formatInvoiceNumber(year, n)}`,
            problem: 'was given, later ones too, and nothing tells to which invoice; it is not given again',
          });
    }
    return found;
  }

  /** From now on higher ones are given. */
  async raise(database: Database): Promise<void> {
    for (const { tenantId, year, highest } of this.#given.values())
      await database.$executeRaw`
        INSERT INTO invoice_numbers (tenant_id, year, last_number) VALUES (${tenantId}::uuid, ${year}, ${highest})
        ON CONFLICT (tenant_id, year) DO UPDATE
        SET last_number = greatest(invoice_numbers.last_number, excluded.last_number)`;
  }
}

async function lastNumber(database: Database, tenantId: string, year: number): Promise<number> {
  const [row] = await queryRows(database, counterRow)`
    SELECT last_number FROM invoice_numbers WHERE tenant_id = ${tenantId}::uuid AND year = ${year}`;
  return row?.last_number ?? 0;
}
