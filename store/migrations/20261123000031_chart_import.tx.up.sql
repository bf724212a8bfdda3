-- Notes of one chart amend each other. A chart that is restored whole puts them
-- back in any order, and is held to these references at the end of its transaction.
ALTER TABLE note ALTER CONSTRAINT note_tenant_id_amends_fkey DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE note ALTER CONSTRAINT note_tenant_id_amended_by_fkey DEFERRABLE INITIALLY IMMEDIATE;
