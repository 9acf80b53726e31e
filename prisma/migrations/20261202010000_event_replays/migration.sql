-- A range of the outbox sent once more, to a topic of one subscriber's own (event-replays/).
CREATE TABLE event_replays (
  id uuid PRIMARY KEY,
  -- null: of all tenants
  tenant_id uuid,
  subscriber text NOT NULL,
  topic text NOT NULL,
  -- What was asked for, as JSON text.
  request text NOT NULL,
  rate integer NOT NULL,
  status text NOT NULL DEFAULT 'running',
  -- Why it ended otherwise than at its end.
  detail text,
  -- Places count in it alone (event_feed).
  epoch uuid NOT NULL,
  transaction_id bigint NOT NULL,
  position bigint NOT NULL,
  -- No transaction from this one on belongs to the range.
  end_transaction_id bigint NOT NULL,
  recorded_from timestamptz(3),
  recorded_before timestamptz(3) NOT NULL,
  missing_before timestamptz(3),
  expected bigint,
  sent bigint NOT NULL DEFAULT 0,
  sent_through timestamptz(3),
  started_by text NOT NULL,
  started_at timestamptz(3) NOT NULL,
  ended_at timestamptz(3),
  -- As in billing_runs.
  workflow_started_at timestamptz(3),
  CONSTRAINT event_replays_status CHECK (status IN ('running', 'paused', 'stopped', 'refused', 'completed')),
  CONSTRAINT event_replays_ended CHECK ((ended_at IS NULL) = (status IN ('running', 'paused')))
);
-- Two at once would mix their events on one topic.
CREATE UNIQUE INDEX event_replays_open_key ON event_replays (subscriber) WHERE ended_at IS NULL;
CREATE INDEX event_replays_newest_idx ON event_replays (tenant_id, started_at DESC, id DESC);
CREATE INDEX event_replays_turns_idx ON event_replays (workflow_started_at) WHERE ended_at IS NULL;

-- What people have decided about one: each decision once.
CREATE TABLE event_replay_decisions (
  replay_id uuid NOT NULL REFERENCES event_replays (id),
  decision_id text NOT NULL,
  action text NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  at timestamptz(3) NOT NULL,
  PRIMARY KEY (replay_id, decision_id)
);

-- Whose events go to a subscriber's topic: those of the first who asked, so that no two tenants' meet there.
CREATE TABLE event_replay_subscribers (
  subscriber text PRIMARY KEY,
  -- null: of all tenants
  tenant_id uuid
);
