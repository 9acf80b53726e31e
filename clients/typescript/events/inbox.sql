-- How far each stream of events was applied. In the subscriber's own database: the row changes in the transaction in
-- which the event takes effect.
CREATE TABLE IF NOT EXISTS inbox (
  -- Two consumers in one database do not take events from each other.
  consumer text NOT NULL,
  -- A topic without its version, and a partition key: '<topic>|<partition key>'.
  stream text NOT NULL,
  last_sequence bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, stream)
);
