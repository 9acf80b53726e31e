-- A place on a topic is taken again when the topic is made anew: what tells a message is its place and its bytes.
DROP INDEX "dead_letters_topic_partition_offset_key";
CREATE UNIQUE INDEX "dead_letters_place_and_bytes_key" ON "dead_letters"
  ("topic", "partition", "offset", md5(coalesce("key", ''::bytea)), md5(coalesce("value", ''::bytea)));

-- Is a wake-up of this invoice waiting already?
CREATE INDEX "workflow_wakeups_tenant_id_invoice_id_idx" ON "workflow_wakeups" ("tenant_id", "invoice_id");

-- Until when a replay of an event may be on its way to Kafka, whatever became of its workflow.
ALTER TABLE "dead_letters" ADD COLUMN "replay_ends_at" TIMESTAMPTZ(3);
