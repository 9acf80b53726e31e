-- Time: when overdue begins, what has been told already, and when the workflow must look again.
ALTER TABLE "invoices"
  ADD COLUMN "overdue_at" TIMESTAMPTZ(3),
  ADD COLUMN "overdue_told_at" TIMESTAMPTZ(3),
  ADD COLUMN "reminders_sent" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "next_timer_at" TIMESTAMPTZ(3);

-- Invoices that are open already get the timers of domain/timers.ts; their workflows are woken at the end.
UPDATE "invoices" SET
  "overdue_at" = ("due_date" + 1)::timestamp AT TIME ZONE 'UTC',
  "next_timer_at" = CASE
    WHEN ("due_date" - 1)::timestamp AT TIME ZONE 'UTC' > "finalized_at" THEN ("due_date" - 1)::timestamp AT TIME ZONE 'UTC'
    ELSE ("due_date" + 1)::timestamp AT TIME ZONE 'UTC'
  END
WHERE "status" = 'finalized' AND "due_date" IS NOT NULL;

ALTER TABLE "invoices"
  ADD CONSTRAINT "invoices_timer_only_when_finalized" CHECK ("next_timer_at" IS NULL OR "status" = 'finalized'),
  ADD CONSTRAINT "invoices_reminders_positive" CHECK ("reminders_sent" >= 0);

CREATE INDEX "invoices_next_timer_at_idx" ON "invoices" ("next_timer_at") WHERE "next_timer_at" IS NOT NULL;
CREATE INDEX "invoices_drafts_due_idx" ON "invoices" ("tenant_id", "due_date", "id") WHERE "status" = 'draft';

-- CreateTable
CREATE TABLE "cashiers" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "audit_sequence" INTEGER NOT NULL DEFAULT 0,
    "audit_hash" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "cashiers_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT "cashiers_version_positive" CHECK ("version" >= 1)
);

-- One e-mail address, in any case, belongs to one cashier of a tenant.
CREATE UNIQUE INDEX "cashiers_tenant_email_key" ON "cashiers" ("tenant_id", lower("email"));
CREATE INDEX "cashiers_tenant_id_name_id_idx" ON "cashiers" ("tenant_id", "name" COLLATE "C", "id");

-- CreateTable
CREATE TABLE "cashier_currencies" (
    "tenant_id" UUID NOT NULL,
    "cashier_id" UUID NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "effective_from" DATE NOT NULL,

    CONSTRAINT "cashier_currencies_pkey" PRIMARY KEY ("tenant_id","cashier_id","currency"),
    CONSTRAINT "cashier_currencies_code" CHECK ("currency" ~ '^[A-Z]{3}$'),
    CONSTRAINT "cashier_currencies_cashier_fkey" FOREIGN KEY ("tenant_id", "cashier_id")
      REFERENCES "cashiers"("tenant_id", "id") ON DELETE CASCADE
);

-- CreateTable
CREATE TABLE "cashier_payments" (
    "tenant_id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "cashier_id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "amount_minor" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "method" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "cashier_payments_pkey" PRIMARY KEY ("tenant_id","payment_id"),
    CONSTRAINT "cashier_payments_amount_range" CHECK ("amount_minor" BETWEEN 1 AND 99999999999999),
    CONSTRAINT "cashier_payments_payment_fkey" FOREIGN KEY ("tenant_id", "payment_id")
      REFERENCES "payments"("tenant_id", "id"),
    CONSTRAINT "cashier_payments_cashier_fkey" FOREIGN KEY ("tenant_id", "cashier_id")
      REFERENCES "cashiers"("tenant_id", "id")
);
CREATE INDEX "cashier_payments_newest_idx"
  ON "cashier_payments" ("tenant_id", "cashier_id", "recorded_at" DESC, "payment_id" DESC);

-- A cashier with invoices cannot be deleted, and an invoice cannot name a cashier that is gone.
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_cashier_fkey" FOREIGN KEY ("tenant_id", "cashier_id")
  REFERENCES "cashiers"("tenant_id", "id");
CREATE INDEX "invoices_tenant_id_cashier_id_idx" ON "invoices" ("tenant_id", "cashier_id") WHERE "cashier_id" IS NOT NULL;

-- Invoices that were changed outside their workflow, or whose workflow is missing: the workflow is told to look.
CREATE TABLE "workflow_wakeups" (
    "position" BIGSERIAL NOT NULL,
    "tenant_id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "workflow_wakeups_pkey" PRIMARY KEY ("position")
);

INSERT INTO "workflow_wakeups" ("tenant_id", "invoice_id")
SELECT "tenant_id", "id" FROM "invoices" WHERE "next_timer_at" IS NOT NULL;

-- One run per tenant and business day; what asked for it, and what was refused in it.
CREATE TABLE "billing_runs" (
    "tenant_id" UUID NOT NULL,
    "business_date" DATE NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "finalized" INTEGER NOT NULL DEFAULT 0,
    "refused" INTEGER NOT NULL DEFAULT 0,
    "workflow_started_at" TIMESTAMPTZ(3),

    CONSTRAINT "billing_runs_pkey" PRIMARY KEY ("tenant_id","business_date")
);

CREATE TABLE "billing_run_requests" (
    "tenant_id" UUID NOT NULL,
    "business_date" DATE NOT NULL,
    "request_key" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "market" TEXT,
    "region" TEXT,
    "requested_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "billing_run_requests_pkey" PRIMARY KEY ("tenant_id","business_date","request_key"),
    CONSTRAINT "billing_run_requests_run_fkey" FOREIGN KEY ("tenant_id", "business_date")
      REFERENCES "billing_runs"("tenant_id", "business_date")
);

CREATE TABLE "billing_run_refusals" (
    "tenant_id" UUID NOT NULL,
    "business_date" DATE NOT NULL,
    "invoice_id" UUID NOT NULL,
    "code" TEXT NOT NULL,
    "detail" TEXT NOT NULL,

    CONSTRAINT "billing_run_refusals_pkey" PRIMARY KEY ("tenant_id","business_date","invoice_id"),
    CONSTRAINT "billing_run_refusals_run_fkey" FOREIGN KEY ("tenant_id", "business_date")
      REFERENCES "billing_runs"("tenant_id", "business_date")
);

-- A dead letter is open until a person decides; what was decided stays.
ALTER TABLE "dead_letters"
  ADD COLUMN "attempts" INTEGER NOT NULL DEFAULT 1,
  ADD COLUMN "resolution" TEXT,
  ADD COLUMN "resolved_by" TEXT,
  ADD COLUMN "resolved_reason" TEXT,
  ADD COLUMN "resolved_at" TIMESTAMPTZ(3),
  ADD COLUMN "workflow_started_at" TIMESTAMPTZ(3),
  ADD COLUMN "audit_sequence" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "audit_hash" TEXT NOT NULL DEFAULT '',
  ADD CONSTRAINT "dead_letters_resolution" CHECK ("resolution" IN ('replayed', 'discarded')),
  ADD CONSTRAINT "dead_letters_resolved_whole"
    CHECK (num_nulls("resolution", "resolved_by", "resolved_reason", "resolved_at") IN (0, 4));
CREATE INDEX "dead_letters_without_workflow_idx" ON "dead_letters" ("opened_at")
  WHERE "workflow_started_at" IS NULL AND "resolved_at" IS NULL;
CREATE INDEX "dead_letters_newest_idx" ON "dead_letters" ("tenant_id", "opened_at" DESC, "id" DESC);
