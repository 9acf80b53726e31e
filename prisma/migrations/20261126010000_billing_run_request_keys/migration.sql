-- Was this key used before, for whatever day?
CREATE INDEX "billing_run_requests_tenant_id_request_key_idx" ON "billing_run_requests" ("tenant_id", "request_key");
