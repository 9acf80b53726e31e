-- The relay of wake-ups turns to everything that is not done, what waits for the longest first.
DROP INDEX "dead_letters_without_workflow_idx";
CREATE INDEX "dead_letters_workflow_turn_idx" ON "dead_letters" ("workflow_started_at") WHERE "resolved_at" IS NULL;
DROP INDEX "dead_letter_batches_without_workflow_idx";
CREATE INDEX "dead_letter_batches_workflow_turn_idx" ON "dead_letter_batches" ("workflow_started_at")
  WHERE "ended_at" IS NULL;
CREATE INDEX "billing_runs_workflow_turn_idx" ON "billing_runs" ("workflow_started_at") WHERE "ended_at" IS NULL;
