-- Events that the broker refuses for good are dead letters too, beside messages that could not be handled. A message
-- has a place on its topic, an event has none yet: it is known by its id in the outbox.
ALTER TABLE "dead_letters"
  ADD COLUMN "direction" TEXT NOT NULL DEFAULT 'inbound',
  ADD COLUMN "outbox_event_id" UUID,
  ADD COLUMN "edited_value" BYTEA,
  ALTER COLUMN "partition" DROP NOT NULL,
  ALTER COLUMN "offset" DROP NOT NULL,
  DROP CONSTRAINT "dead_letters_resolution",
  ADD CONSTRAINT "dead_letters_direction" CHECK (
    ("direction" = 'inbound' AND num_nulls("partition", "offset") = 0 AND "outbox_event_id" IS NULL)
    OR ("direction" = 'outbound' AND num_nonnulls("partition", "offset") = 0
      AND num_nulls("outbox_event_id", "tenant_id", "type", "value") = 0)),
  ADD CONSTRAINT "dead_letters_resolution" CHECK (
    "resolution" IN ('replayed', CASE "direction" WHEN 'inbound' THEN 'discarded' ELSE 'withheld' END));

-- An event has one dead letter, however often it is refused.
CREATE UNIQUE INDEX "dead_letters_outbox_event_id_key" ON "dead_letters"("outbox_event_id");

-- One decision about many dead letters: which ones is settled when it is asked for, and what came of each is kept.
CREATE TABLE "dead_letter_batches" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "verb" TEXT NOT NULL,
    "filter" TEXT NOT NULL,
    "operator" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "workflow_started_at" TIMESTAMPTZ(3),

    CONSTRAINT "dead_letter_batches_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "dead_letter_batches_verb" CHECK ("verb" IN ('replay', 'discard'))
);
CREATE INDEX "dead_letter_batches_without_workflow_idx" ON "dead_letter_batches" ("started_at")
  WHERE "workflow_started_at" IS NULL AND "ended_at" IS NULL;

CREATE TABLE "dead_letter_batch_items" (
    "batch_id" UUID NOT NULL,
    "dead_letter_id" UUID NOT NULL,
    "outcome" TEXT,
    "detail" TEXT,

    CONSTRAINT "dead_letter_batch_items_pkey" PRIMARY KEY ("batch_id", "dead_letter_id"),
    CONSTRAINT "dead_letter_batch_items_outcome" CHECK ("outcome" IN ('done', 'refused', 'unknown')),
    CONSTRAINT "dead_letter_batch_items_batch_fkey" FOREIGN KEY ("batch_id") REFERENCES "dead_letter_batches"("id")
      ON DELETE CASCADE
);
