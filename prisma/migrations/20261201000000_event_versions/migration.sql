-- Which versions of an event's topic are published: the decisions of people (event-versions/). A topic without a row is
-- open when it is the first version, and planned when it is a later one.
CREATE TABLE event_versions (
  -- Of no tenant: the nil UUID.
  tenant_id uuid NOT NULL,
  -- Follows from the topic.
  id uuid NOT NULL,
  topic text NOT NULL,
  stage text NOT NULL,
  -- When it had all that the version before it has; null while it is being filled.
  filled_at timestamptz(3),
  -- The day after which it may be closed; told in its events.
  sunset date,
  version integer NOT NULL,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  audit_sequence integer NOT NULL DEFAULT 0,
  audit_hash text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT event_versions_topic_key UNIQUE (topic),
  CONSTRAINT event_versions_stage CHECK (stage IN ('planned', 'open', 'deprecated', 'closed'))
);

-- Who was seen to read such a topic: Kafka forgets groups that are gone (event-versions/readers.ts).
CREATE TABLE event_version_readers (
  topic text NOT NULL,
  group_id text NOT NULL,
  state text NOT NULL,
  committed bigint NOT NULL,
  lag bigint NOT NULL,
  members integer NOT NULL,
  first_seen_at timestamptz(3) NOT NULL,
  -- When it last moved, or had a member.
  last_seen_at timestamptz(3) NOT NULL,
  looked_at timestamptz(3) NOT NULL,
  PRIMARY KEY (topic, group_id),
  CONSTRAINT event_version_readers_state CHECK (state IN ('moving', 'idle', 'gone'))
);

-- Since when such a topic is watched, and when it was last.
CREATE TABLE event_version_looks (
  topic text PRIMARY KEY,
  first_looked_at timestamptz(3) NOT NULL,
  looked_at timestamptz(3) NOT NULL
);
