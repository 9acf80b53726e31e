-- A status is a text, and a CHECK says which there are: a new one is that constraint made anew. An enum needs two
-- migrations for it, because a value that was added cannot be used in the same transaction.
--
-- The table is written anew while it is locked, in some seconds for 100,000 invoices. The version before goes on beside
-- it: where it compares with a value of the type, the cast reads that as text. Type and cast go when it does.
CREATE CAST ("invoice_status" AS text) WITH INOUT AS IMPLICIT;

ALTER TABLE "invoices"
  DROP CONSTRAINT "invoices_paid_means_fully_paid",
  DROP CONSTRAINT "invoices_cancelled_has_date",
  DROP CONSTRAINT "invoices_number_when_due",
  DROP CONSTRAINT "invoices_timer_only_when_finalized";
DROP INDEX "invoices_drafts_due_idx";

ALTER TABLE "invoices" ALTER COLUMN "status" TYPE text USING "status"::text;

ALTER TABLE "invoices"
  ADD CONSTRAINT "invoices_status" CHECK ("status" IN ('draft', 'finalized', 'paid', 'cancelled')),
  ADD CONSTRAINT "invoices_paid_means_fully_paid"
    CHECK (("status" = 'paid') = ("paid_at" IS NOT NULL) AND ("status" <> 'paid' OR "amount_paid_minor" = "amount_minor")),
  ADD CONSTRAINT "invoices_cancelled_has_date" CHECK (("status" = 'cancelled') = ("cancelled_at" IS NOT NULL)),
  ADD CONSTRAINT "invoices_number_when_due" CHECK ("status" NOT IN ('finalized', 'paid') OR "number" IS NOT NULL),
  ADD CONSTRAINT "invoices_timer_only_when_finalized" CHECK ("next_timer_at" IS NULL OR "status" = 'finalized');
CREATE INDEX "invoices_drafts_due_idx" ON "invoices" ("tenant_id", "due_date", "id") WHERE "status" = 'draft';
