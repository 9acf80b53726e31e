-- Keys of machines that call the REST API (access/api-keys.ts). Stored is a hash of the secret, never the key.
CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  -- null: of all tenants
  tenant_id uuid,
  name text NOT NULL,
  scopes text[] NOT NULL,
  secret_hash bytea NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz(3) NOT NULL,
  expires_at timestamptz(3),
  last_used_at timestamptz(3),
  revoked_by text,
  revoked_at timestamptz(3),
  CONSTRAINT api_keys_secret_hash CHECK (length(secret_hash) = 32),
  CONSTRAINT api_keys_revoked CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
  -- Who belongs to no tenant may name any; who belongs to one may name no other.
  CONSTRAINT api_keys_tenant CHECK ((tenant_id IS NULL) = ('tenants:all' = ANY (scopes)))
);
CREATE INDEX api_keys_tenant_newest_idx ON api_keys (tenant_id, created_at DESC, id DESC);
