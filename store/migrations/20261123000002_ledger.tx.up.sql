-- The upload ledger: what was announced, what is durable, and who writes.

CREATE TABLE upload (
  tenant_id       text NOT NULL,
  id              uuid NOT NULL,
  patient_id      uuid NOT NULL,
  encounter_id    uuid,
  owner_id        uuid NOT NULL,
  kind            text NOT NULL,
  category        text NOT NULL,
  resource_type   text NOT NULL,
  title           text NOT NULL DEFAULT '',
  content_type    text NOT NULL,
  sniffed         text NOT NULL DEFAULT '',
  body_site       jsonb,
  captured_at     timestamptz,
  note_id         uuid,
  length          bigint CHECK (length >= 0),
  max_size        bigint NOT NULL CHECK (max_size >= 0),
  at_offset       bigint NOT NULL DEFAULT 0,
  parts_end       bigint NOT NULL DEFAULT 0,
  state           text NOT NULL DEFAULT 'open' CHECK (state IN
                    ('open', 'receiving', 'assembling', 'stored', 'completed', 'failed', 'cancelled', 'expired')),
  failure_code    text,
  failure_words   text,
  failure_retry   boolean NOT NULL DEFAULT false,
  file_id         uuid NOT NULL,
  object_key      text NOT NULL,
  put_tried       boolean NOT NULL DEFAULT false, -- something may be in the bucket under object_key
  scratch_used    boolean NOT NULL DEFAULT false, -- and under the upload's scratch prefix
  multipart       text NOT NULL DEFAULT '',
  next_part       integer NOT NULL DEFAULT 1,
  announced_sha   bytea,
  sha256          bytea,
  sha1            bytea,
  crc64           bigint,
  hash_state      bytea,
  token_hash      bytea,
  lease           bigint,
  lease_until     timestamptz,
  lease_wanted    boolean NOT NULL DEFAULT false,
  scan_rule       text NOT NULL,
  mismatch_rule   text NOT NULL,
  allow_empty     boolean NOT NULL,
  ttl             interval NOT NULL,
  request_id      text NOT NULL DEFAULT '',
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  expires_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient,
  FOREIGN KEY (tenant_id, encounter_id) REFERENCES encounter,
  CHECK (at_offset >= parts_end),
  CHECK (length IS NULL OR at_offset <= length)
) WITH (fillfactor = 50); -- room for HOT updates: the row changes with every PATCH
CREATE INDEX upload_owner ON upload (tenant_id, owner_id, id);
CREATE INDEX upload_work ON upload (expires_at) WHERE state IN ('open', 'receiving', 'assembling', 'stored');
SELECT wall('upload');

CREATE TABLE upload_part (
  tenant_id text NOT NULL,
  upload_id uuid NOT NULL,
  number    integer NOT NULL CHECK (number BETWEEN 1 AND 10000),
  at_offset bigint NOT NULL,
  size      bigint NOT NULL CHECK (size > 0),
  etag      text NOT NULL,
  crc64     bigint NOT NULL,
  PRIMARY KEY (tenant_id, upload_id, number),
  UNIQUE (tenant_id, upload_id, at_offset),
  FOREIGN KEY (tenant_id, upload_id) REFERENCES upload
);
SELECT wall('upload_part');

-- Committed bytes that are not in a part yet. Append-only rows: one growing
-- column would be rewritten by every PATCH. Larger pieces are scratch objects.
CREATE TABLE upload_tail (
  tenant_id   text NOT NULL,
  upload_id   uuid NOT NULL,
  at_offset   bigint NOT NULL,
  size        bigint NOT NULL CHECK (size > 0),
  bytes       bytea,
  scratch_key text,
  PRIMARY KEY (tenant_id, upload_id, at_offset),
  FOREIGN KEY (tenant_id, upload_id) REFERENCES upload,
  CHECK ((bytes IS NULL) <> (scratch_key IS NULL))
) WITH (toast_tuple_target = 8160);
ALTER TABLE upload_tail ALTER COLUMN bytes SET STORAGE EXTERNAL;
SELECT wall('upload_tail');

-- Objects and multiparts that no row needs any more, until they are really gone:
-- deleted once after not_before, and once more at settles, when no writer that
-- lost its lease can bring them back any more.
CREATE TABLE blob_garbage (
  tenant_id  text NOT NULL REFERENCES tenant,
  object_key text NOT NULL,
  multipart  text NOT NULL DEFAULT '',
  since      timestamptz NOT NULL DEFAULT now(),
  not_before timestamptz NOT NULL DEFAULT now(),
  settles    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, object_key, multipart)
);
SELECT wall('blob_garbage');

-- What the sweeper should look at: unfinished business nobody holds.
CREATE FUNCTION upload_work(p_limit integer)
  RETURNS TABLE (tenant_id text, id uuid, state text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM set_config('app.background', 'on', true);
  RETURN QUERY SELECT u.tenant_id, u.id, u.state FROM upload u
     WHERE (u.lease IS NULL OR u.lease_until < now())
       AND (u.state IN ('assembling', 'stored')
         OR (u.state IN ('open', 'receiving') AND (u.expires_at < now() OR u.length = u.at_offset)))
     ORDER BY u.lease_until NULLS FIRST LIMIT p_limit; -- what was longest not held: nothing that fails keeps the rest waiting
  PERFORM set_config('app.background', '', true);
END $$;

CREATE FUNCTION garbage_work(p_limit integer)
  RETURNS TABLE (tenant_id text, object_key text, multipart text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM set_config('app.background', 'on', true);
  RETURN QUERY SELECT g.tenant_id, g.object_key, g.multipart FROM blob_garbage g
    WHERE g.not_before < now() ORDER BY g.not_before LIMIT p_limit;
  PERFORM set_config('app.background', '', true);
END $$;

REVOKE ALL ON FUNCTION upload_work(integer), garbage_work(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION upload_work(integer), garbage_work(integer) TO bonfire_app;
GRANT SELECT, INSERT, UPDATE ON upload TO bonfire_app;
GRANT SELECT, INSERT, DELETE ON upload_part, upload_tail TO bonfire_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON blob_garbage TO bonfire_app;
