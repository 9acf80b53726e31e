/** A cashier as callers and subscribers see it. */
import type { Cashier } from './cashier.ts';
import type { WireCashier } from './schemas.ts';

export const cashierToWire = ({
  id,
  name,
  email,
  version,
  createdAt,
  updatedAt,
}: Omit<Cashier, 'currencies'>): WireCashier => ({
  id,
  name,
  email,
  version,
  createdAt,
  updatedAt,
});
