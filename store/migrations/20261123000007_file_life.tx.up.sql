-- The life of a file after it was stored: verdicts on its bytes, and their end.

-- When the bytes were given up. The record stays for good.
ALTER TABLE file ADD COLUMN purged_at timestamptz;
CREATE INDEX file_retention ON file (tenant_id, kind, created_at) WHERE purged_at IS NULL AND NOT legal_hold;

CREATE INDEX file_chain ON file (tenant_id, superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX file_chain_back ON file (tenant_id, supersedes) WHERE supersedes IS NOT NULL;

-- Every verdict of the pipeline. Append-only; the last one also stands in the file.
CREATE TABLE scan (
  tenant_id    text NOT NULL,
  id           uuid NOT NULL,
  file_id      uuid NOT NULL,
  file_version integer NOT NULL,
  status       text NOT NULL CHECK (status IN ('clean', 'infected', 'failed', 'skipped')),
  engine       text NOT NULL,
  detail       text NOT NULL DEFAULT '',
  reported_by  uuid NOT NULL,
  reported_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, file_id) REFERENCES file
);
CREATE INDEX scan_file ON scan (tenant_id, file_id, reported_at);
SELECT wall('scan');

-- The certificate of bytes that were destroyed because their time had come: what
-- they were, by which rule, when that was decided and when the bucket had let go
-- of them.
CREATE TABLE deletion (
  tenant_id  text NOT NULL,
  file_id    uuid NOT NULL,
  patient_id uuid NOT NULL,
  kind       text NOT NULL,
  object_key text NOT NULL,
  size       bigint NOT NULL,
  sha256     bytea NOT NULL,
  rule       text NOT NULL,
  decided_at timestamptz NOT NULL,
  deleted_at timestamptz,
  PRIMARY KEY (tenant_id, file_id),
  FOREIGN KEY (tenant_id, file_id) REFERENCES file
);
CREATE INDEX deletion_object ON deletion (tenant_id, object_key);
SELECT wall('deletion');

-- What is under a legal hold, or was given up, does not change in that respect by
-- accident: bytes are given up once, and never while they are held.
CREATE FUNCTION file_keeps() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.purged_at IS NOT NULL AND NEW.purged_at IS DISTINCT FROM OLD.purged_at
     OR OLD.purged_at IS NULL AND NEW.purged_at IS NOT NULL AND (OLD.legal_hold OR NEW.legal_hold) THEN
    RAISE EXCEPTION 'bytes are given up once, and never under a legal hold'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'file_keeps';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER file_keeps BEFORE UPDATE OF purged_at, legal_hold ON file FOR EACH ROW EXECUTE FUNCTION file_keeps();

GRANT SELECT, INSERT ON scan, deletion TO bonfire_app;
GRANT UPDATE (deleted_at) ON deletion TO bonfire_app;
