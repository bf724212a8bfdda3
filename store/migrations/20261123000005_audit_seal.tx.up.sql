-- Seals over the audit trail: package seal says what they hold and how they are
-- computed.
--
-- A row of the trail draws its seq before its transaction commits, so a row with
-- a lower seq may become visible after one with a higher seq, at any time. Which
-- rows are to be sealed is therefore not asked of the seqs: each row is put on
-- the list audit_unsealed in its own transaction, and comes off it in the one
-- that writes its seal. A row that is on neither was not written by the server.

-- One link of a tenant's chain. Append-only by privilege, like the trail.
CREATE TABLE audit_seal (
  tenant_id text NOT NULL REFERENCES tenant,
  number    bigint NOT NULL CHECK (number > 0),
  sealed_at timestamptz NOT NULL,
  first_at  timestamptz NOT NULL,
  last_at   timestamptz NOT NULL,
  previous  bytea NOT NULL CHECK (length(previous) = 32),
  head      bytea NOT NULL CHECK (length(head) = 32),
  from_seq  bigint NOT NULL,
  to_seq    bigint NOT NULL,
  count     integer NOT NULL CHECK (count > 0),
  seqs      bigint[] NOT NULL CHECK (cardinality(seqs) = count),
  ids       uuid[] NOT NULL CHECK (cardinality(ids) = count),
  hashes    bytea NOT NULL CHECK (length(hashes) = 32 * count),
  PRIMARY KEY (tenant_id, number)
);
CREATE INDEX audit_seal_time ON audit_seal (tenant_id, last_at);
SELECT wall('audit_seal');

-- Rows that wait for their seal.
CREATE TABLE audit_unsealed (
  tenant_id   text NOT NULL,
  seq         bigint NOT NULL,
  recorded_at timestamptz NOT NULL,
  id          uuid NOT NULL,
  PRIMARY KEY (tenant_id, seq)
);
SELECT set_config('app.background', 'on', true);
INSERT INTO audit_unsealed SELECT tenant_id, seq, recorded_at, id FROM audit_event;
SELECT set_config('app.background', '', true);
SELECT wall('audit_unsealed');

-- Seals whose anchor is not in the bucket yet.
CREATE TABLE audit_unanchored (
  tenant_id text NOT NULL,
  number    bigint NOT NULL,
  PRIMARY KEY (tenant_id, number),
  FOREIGN KEY (tenant_id, number) REFERENCES audit_seal
);
SELECT wall('audit_unanchored');

-- Lines of the bucket's access log that have their event: the same line again,
-- from another delivery of the log, has it already. Append-only.
CREATE TABLE audit_download (
  tenant_id text NOT NULL REFERENCES tenant,
  line      bytea NOT NULL CHECK (length(line) = 32),
  event_id  uuid NOT NULL,
  PRIMARY KEY (tenant_id, line)
);
SELECT wall('audit_download');

-- One event by its id.
CREATE INDEX audit_event_id ON audit_event (tenant_id, id);

-- Which tenants have rows to seal, or seals to anchor.
CREATE FUNCTION seal_work() RETURNS SETOF text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM set_config('app.background', 'on', true);
  RETURN QUERY SELECT t.tenant_id FROM tenant t
    WHERE EXISTS (SELECT FROM audit_unsealed u WHERE u.tenant_id = t.tenant_id)
       OR EXISTS (SELECT FROM audit_unanchored u WHERE u.tenant_id = t.tenant_id) ORDER BY t.tenant_id;
  PERFORM set_config('app.background', '', true);
END $$;

REVOKE ALL ON FUNCTION seal_work() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seal_work() TO bonfire_app;
GRANT SELECT, INSERT ON audit_seal, audit_download TO bonfire_app;
GRANT SELECT, INSERT, DELETE ON audit_unsealed, audit_unanchored TO bonfire_app;
