CREATE INDEX CONCURRENTLY "outbox_events_feed_idx" ON "outbox_events" ("transaction_id", "position");
