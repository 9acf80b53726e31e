CREATE INDEX CONCURRENTLY "invoices_cashier_newest_idx" ON "invoices" ("tenant_id", "cashier_id", "created_at" DESC, "id" DESC)
  WHERE "cashier_id" IS NOT NULL;
