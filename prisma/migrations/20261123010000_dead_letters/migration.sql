CREATE TABLE "dead_letters" (
    "id" UUID NOT NULL,
    "tenant_id" UUID,
    "topic" TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    "offset" BIGINT NOT NULL,
    "source" TEXT,
    "event_id" TEXT,
    "type" TEXT,
    "reason" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "headers" TEXT NOT NULL,
    "key" BYTEA,
    "value" BYTEA,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "dead_letters_pkey" PRIMARY KEY ("id")
);

-- A message is kept once: by its identity, or by its place when it has none that can be read.
CREATE UNIQUE INDEX "dead_letters_topic_partition_offset_key" ON "dead_letters"("topic", "partition", "offset");
CREATE UNIQUE INDEX "dead_letters_source_event_id_key" ON "dead_letters"("source", "event_id");
