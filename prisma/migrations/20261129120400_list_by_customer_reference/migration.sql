CREATE INDEX CONCURRENTLY "invoices_customer_reference_newest_idx" ON "invoices" ("tenant_id", "customer_reference", "created_at" DESC, "id" DESC);
