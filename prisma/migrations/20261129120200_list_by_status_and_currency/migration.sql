CREATE INDEX CONCURRENTLY "invoices_status_currency_newest_idx" ON "invoices" ("tenant_id", "status", "currency", "created_at" DESC, "id" DESC);
