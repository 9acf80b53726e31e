-- The outbox, read in an order that loses nothing (messaging/event-feed.ts). Rows that are there have 0: those of one
-- stream are in the order of their positions.
ALTER TABLE outbox_events ADD COLUMN transaction_id bigint NOT NULL DEFAULT 0;
ALTER TABLE outbox_events ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id()::text::bigint;
-- The highest one of the stream's events: a later event has no lower one.
ALTER TABLE streams ADD COLUMN last_transaction_id bigint NOT NULL DEFAULT 0;

-- One row. A database that was restored counts its transactions anew: places of another epoch mean nothing in it.
CREATE TABLE event_feed (
  one boolean PRIMARY KEY DEFAULT true,
  epoch uuid NOT NULL DEFAULT gen_random_uuid(),
  CONSTRAINT event_feed_one CHECK (one)
);
INSERT INTO event_feed DEFAULT VALUES;

-- Up to where retention has deleted events of a tenant: the highest of each, so that more is said to be missing than is,
-- never less.
CREATE TABLE pruned_events (
  tenant_id uuid PRIMARY KEY,
  transaction_id bigint NOT NULL,
  position bigint NOT NULL,
  recorded_at timestamptz(6) NOT NULL
);
-- What was deleted before this table was there: published a day ago or earlier, and nobody has a place before it.
INSERT INTO pruned_events
SELECT DISTINCT split_part(stream, '|', 2)::uuid, 0, 1, now() - interval '1 day' FROM streams
WHERE pruned_through > 0 AND split_part(stream, '|', 2) ~ '^[0-9a-f-]{36}$';
