CREATE INDEX CONCURRENTLY "invoices_currency_newest_idx" ON "invoices" ("tenant_id", "currency", "created_at" DESC, "id" DESC);
