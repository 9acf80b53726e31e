-- What a tenant may ask for at once, where it differs from the settings (access/limits.ts).
CREATE TABLE tenant_limits (
  tenant_id uuid PRIMARY KEY,
  -- null: as the settings say
  requests_per_second integer,
  commands_at_once integer,
  changed_by text NOT NULL,
  changed_at timestamptz(3) NOT NULL,
  CONSTRAINT tenant_limits_positive CHECK (requests_per_second > 0 AND commands_at_once > 0)
);
