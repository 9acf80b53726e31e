DROP INDEX CONCURRENTLY "invoices_tenant_id_cashier_id_idx";
