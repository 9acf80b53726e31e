-- Where a stream begins in the outbox: what lies at or below was published and deleted (messaging/prune.ts).
ALTER TABLE streams ADD COLUMN pruned_through bigint NOT NULL DEFAULT 0;
