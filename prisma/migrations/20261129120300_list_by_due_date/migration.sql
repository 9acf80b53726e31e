CREATE INDEX CONCURRENTLY "invoices_due_date_idx" ON "invoices" ("tenant_id", "due_date", "id") WHERE "due_date" IS NOT NULL;
