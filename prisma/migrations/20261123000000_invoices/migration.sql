-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "invoice_status" AS ENUM ('draft', 'finalized', 'paid', 'cancelled');

-- CreateTable
CREATE TABLE "invoices" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "customer_reference" TEXT,
    "status" "invoice_status" NOT NULL,
    "amount_minor" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "due_date" DATE,
    "cashier_id" UUID,
    "number" TEXT,
    "amount_paid_minor" BIGINT NOT NULL DEFAULT 0,
    "paid_at" TIMESTAMPTZ(3),
    "finalized_at" TIMESTAMPTZ(3),
    "cancelled_at" TIMESTAMPTZ(3),
    "cancel_reason" TEXT,
    "version" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "audit_sequence" INTEGER NOT NULL DEFAULT 0,
    "audit_hash" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "invoices_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "payments" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "amount_minor" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "method" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payments_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "commands" (
    "tenant_id" UUID NOT NULL,
    "command_key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "attempt_id" TEXT NOT NULL,
    "entity_id" UUID NOT NULL,
    "step" TEXT NOT NULL,
    "answer" TEXT,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "commands_pkey" PRIMARY KEY ("tenant_id","command_key")
);

-- CreateTable
CREATE TABLE "refusals" (
    "tenant_id" UUID NOT NULL,
    "command_key" TEXT NOT NULL,
    "attempt_id" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "entity_id" UUID NOT NULL,
    "code" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "members" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "refusals_pkey" PRIMARY KEY ("tenant_id","command_key","attempt_id")
);

-- CreateTable
CREATE TABLE "streams" (
    "stream" TEXT NOT NULL,
    "last_sequence" BIGINT NOT NULL,
    "last_published" BIGINT NOT NULL DEFAULT 0,
    "blocked_by" UUID,
    "blocked_reason" TEXT,

    CONSTRAINT "streams_pkey" PRIMARY KEY ("stream")
);

-- CreateTable
CREATE TABLE "outbox_events" (
    "position" BIGSERIAL NOT NULL,
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "stream" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "slot" INTEGER NOT NULL,
    "topic" TEXT NOT NULL,
    "partition_key" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "headers" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),
    "published_at" TIMESTAMPTZ(6),

    CONSTRAINT "outbox_events_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "audit_entries" (
    "tenant_id" UUID NOT NULL,
    "entity_type" TEXT NOT NULL,
    "entity_id" UUID NOT NULL,
    "sequence" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "action" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "status" TEXT NOT NULL,
    "reason" TEXT,
    "command_key" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "previous_hash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("tenant_id","entity_type","entity_id","sequence")
);

-- CreateTable
CREATE TABLE "invoice_numbers" (
    "tenant_id" UUID NOT NULL,
    "year" INTEGER NOT NULL,
    "last_number" INTEGER NOT NULL,

    CONSTRAINT "invoice_numbers_pkey" PRIMARY KEY ("tenant_id","year")
);

-- CreateIndex
CREATE INDEX "invoices_tenant_id_created_at_id_idx" ON "invoices"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "invoices_tenant_id_customer_reference_idx" ON "invoices"("tenant_id", "customer_reference");

-- CreateIndex
CREATE UNIQUE INDEX "invoices_tenant_id_number_key" ON "invoices"("tenant_id", "number");

-- CreateIndex
CREATE INDEX "payments_tenant_id_invoice_id_idx" ON "payments"("tenant_id", "invoice_id");

-- CreateIndex
CREATE UNIQUE INDEX "payments_tenant_reference_key" ON "payments"("tenant_id", "reference");

-- CreateIndex
CREATE INDEX "commands_tenant_id_attempt_id_idx" ON "commands"("tenant_id", "attempt_id");

-- CreateIndex
CREATE INDEX "refusals_tenant_id_attempt_id_idx" ON "refusals"("tenant_id", "attempt_id");

-- CreateIndex
CREATE UNIQUE INDEX "outbox_events_id_key" ON "outbox_events"("id");

-- CreateIndex
CREATE UNIQUE INDEX "outbox_events_stream_sequence_key" ON "outbox_events"("stream", "sequence");

-- AddForeignKey
ALTER TABLE "payments" ADD CONSTRAINT "payments_tenant_id_invoice_id_fkey" FOREIGN KEY ("tenant_id", "invoice_id") REFERENCES "invoices"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What must never be stored, whoever writes it.
ALTER TABLE "invoices"
  ADD CONSTRAINT "invoices_amount_range" CHECK ("amount_minor" BETWEEN 1 AND 99999999999999),
  ADD CONSTRAINT "invoices_amount_paid_range" CHECK ("amount_paid_minor" BETWEEN 0 AND "amount_minor"),
  ADD CONSTRAINT "invoices_paid_means_fully_paid"
    CHECK (("status" = 'paid') = ("paid_at" IS NOT NULL) AND ("status" <> 'paid' OR "amount_paid_minor" = "amount_minor")),
  ADD CONSTRAINT "invoices_cancelled_has_date" CHECK (("status" = 'cancelled') = ("cancelled_at" IS NOT NULL)),
  ADD CONSTRAINT "invoices_number_with_finalize" CHECK (("number" IS NULL) = ("finalized_at" IS NULL)),
  ADD CONSTRAINT "invoices_number_when_due" CHECK ("status" NOT IN ('finalized', 'paid') OR "number" IS NOT NULL),
  ADD CONSTRAINT "invoices_currency_code" CHECK ("currency" ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT "invoices_version_positive" CHECK ("version" >= 1);

ALTER TABLE "payments" ADD CONSTRAINT "payments_amount_range" CHECK ("amount_minor" BETWEEN 1 AND 99999999999999);

ALTER TABLE "streams" ADD CONSTRAINT "streams_published_in_range" CHECK ("last_published" BETWEEN 0 AND "last_sequence");

-- The relay reads only what is not published yet; the index stays as small as the backlog.
CREATE INDEX "outbox_events_pending_idx" ON "outbox_events" ("position") WHERE "published_at" IS NULL;
