-- Requests for operations that will go, of each tenant and day (access/deprecated-use.ts).
CREATE TABLE deprecated_uses (
  -- As the OpenAPI document calls it.
  operation text NOT NULL,
  -- In UTC.
  day date NOT NULL,
  tenant_id uuid NOT NULL,
  requests bigint NOT NULL,
  last_seen_at timestamptz(3) NOT NULL,
  PRIMARY KEY (operation, day, tenant_id)
);
