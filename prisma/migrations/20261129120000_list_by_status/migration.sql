-- Each filter of the list of invoices with its order. One statement a migration: it is built beside the running service.
CREATE INDEX CONCURRENTLY "invoices_status_newest_idx" ON "invoices" ("tenant_id", "status", "created_at" DESC, "id" DESC);
