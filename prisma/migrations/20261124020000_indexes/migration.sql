-- How many streams are blocked is asked for at every health check; nearly none of them are.
CREATE INDEX "streams_blocked_idx" ON "streams" ("stream") WHERE "blocked_by" IS NOT NULL;

-- Many invoices share a midnight, and a rebuild reads them page by page.
DROP INDEX "invoices_next_timer_at_idx";
CREATE INDEX "invoices_next_timer_at_idx" ON "invoices" ("next_timer_at", "tenant_id", "id")
  WHERE "next_timer_at" IS NOT NULL;
