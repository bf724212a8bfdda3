-- The order in which a patient's events are read. Ids are made before the commit,
-- so the later of two commits may have the smaller id, and a reader who goes by
-- ids misses it. place is given after the commit, by whoever reads first, one at a
-- time for each patient: what is seen later has the higher place. Rows of the
-- newest place must outlive a clean-up, or places would be given twice.
ALTER TABLE outbox ADD COLUMN place bigint;
-- Delivery was given up: the receiver did not take it for too long.
ALTER TABLE outbox ADD COLUMN dead_at timestamptz;

CREATE UNIQUE INDEX outbox_place ON outbox (tenant_id, patient_id, place);
DROP INDEX outbox_patient;
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (next_at) WHERE delivered_at IS NULL AND dead_at IS NULL;

CREATE OR REPLACE FUNCTION outbox_work(p_limit integer)
  RETURNS TABLE (tenant_id text, id uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM set_config('app.background', 'on', true);
  RETURN QUERY SELECT o.tenant_id, o.id FROM outbox o
    WHERE o.delivered_at IS NULL AND o.dead_at IS NULL AND o.next_at <= now() ORDER BY o.next_at LIMIT p_limit;
  PERFORM set_config('app.background', '', true);
END $$;
