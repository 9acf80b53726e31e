CREATE INDEX CONCURRENTLY "outbox_events_tenant_feed_idx" ON "outbox_events" ("tenant_id", "transaction_id", "position");
