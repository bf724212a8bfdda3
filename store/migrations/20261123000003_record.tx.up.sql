-- The record: files, links, evidence and what leaves the house.

CREATE TABLE file (
  tenant_id       text NOT NULL,
  id              uuid NOT NULL,
  patient_id      uuid NOT NULL,
  encounter_id    uuid,
  upload_id       uuid NOT NULL,
  resource_type   text NOT NULL CHECK (resource_type IN ('DocumentReference', 'Media', 'Binary')),
  kind            text NOT NULL,
  category        text NOT NULL,
  status          text NOT NULL DEFAULT 'current' CHECK (status IN ('current', 'superseded', 'entered-in-error')),
  scan_status     text NOT NULL CHECK (scan_status IN ('pending', 'clean', 'infected', 'failed', 'skipped')),
  scan_required   boolean NOT NULL DEFAULT false,
  legal_hold      boolean NOT NULL DEFAULT false,
  confidentiality smallint NOT NULL DEFAULT 0 CHECK (confidentiality BETWEEN 0 AND 2),
  labels          text[] NOT NULL DEFAULT '{}',
  department      text,
  title           text NOT NULL DEFAULT '',
  content_type    text NOT NULL,
  size            bigint NOT NULL CHECK (size >= 0),
  sha256          bytea NOT NULL CHECK (length(sha256) = 32),
  sha1            bytea CHECK (length(sha1) = 20),
  crc64           bigint NOT NULL,
  object_key      text NOT NULL,
  version         integer NOT NULL DEFAULT 1,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  captured_at     timestamptz,
  duration        double precision NOT NULL DEFAULT 0,
  width           integer NOT NULL DEFAULT 0,
  height          integer NOT NULL DEFAULT 0,
  body_site       jsonb,
  uploaded_by     uuid NOT NULL,
  supersedes      uuid,
  superseded_by   uuid,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, upload_id),
  UNIQUE (object_key),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient,
  FOREIGN KEY (tenant_id, encounter_id) REFERENCES encounter,
  FOREIGN KEY (tenant_id, upload_id) REFERENCES upload
);
CREATE INDEX file_chart ON file (tenant_id, patient_id, created_at, id);
CREATE INDEX file_encounter ON file (tenant_id, encounter_id) WHERE encounter_id IS NOT NULL;
SELECT wall('file');

CREATE TABLE link (
  tenant_id    text NOT NULL,
  id           uuid NOT NULL,
  file_id      uuid NOT NULL,
  file_version integer NOT NULL,
  patient_id   uuid NOT NULL,
  actor_id     uuid NOT NULL,
  purpose      text NOT NULL,
  delivery     text NOT NULL CHECK (delivery IN ('direct', 'gated')),
  disposition  text NOT NULL CHECK (disposition IN ('inline', 'attachment')),
  single_use   boolean NOT NULL DEFAULT false,
  token_hash   bytea,
  issued_at    timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz,
  revoked_at   timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, file_id) REFERENCES file
);
CREATE INDEX link_file ON link (tenant_id, file_id);
CREATE INDEX link_actor ON link (tenant_id, actor_id);
CREATE INDEX link_patient ON link (tenant_id, patient_id);
CREATE UNIQUE INDEX link_token ON link (tenant_id, token_hash) WHERE token_hash IS NOT NULL;
SELECT wall('link');

-- Append-only by privilege: the server may insert and read, nothing else.
CREATE TABLE provenance (
  tenant_id   text NOT NULL,
  id          uuid NOT NULL,
  patient_id  uuid NOT NULL,
  recorded_at timestamptz NOT NULL,
  activity    text NOT NULL,
  targets     jsonb NOT NULL,
  sources     jsonb NOT NULL DEFAULT '[]',
  agents      jsonb NOT NULL,
  signature   text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient
);
CREATE INDEX provenance_target ON provenance USING gin (targets jsonb_path_ops);
CREATE INDEX provenance_patient ON provenance (tenant_id, patient_id, recorded_at);
SELECT wall('provenance');

-- Append-only too, partitioned by month so that years of it stay workable.
CREATE TABLE audit_event (
  tenant_id    text NOT NULL,
  id           uuid NOT NULL,
  seq          bigint GENERATED ALWAYS AS IDENTITY,
  recorded_at  timestamptz NOT NULL,
  verb         text NOT NULL,
  action       text NOT NULL CHECK (action IN ('C', 'R', 'U', 'D', 'E')),
  subtype      text NOT NULL,
  outcome      text NOT NULL CHECK (outcome IN ('0', '4', '8', '12')),
  rule         text NOT NULL DEFAULT '',
  actor_id     uuid NOT NULL,
  actor_kind   text NOT NULL,
  on_behalf_of uuid,
  roles        text[] NOT NULL DEFAULT '{}',
  purpose      text NOT NULL DEFAULT '',
  patient_id   uuid,
  entities     jsonb NOT NULL DEFAULT '[]',
  query        text NOT NULL DEFAULT '',
  detail       jsonb NOT NULL DEFAULT '{}',
  request_id   text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, recorded_at, id)
) PARTITION BY RANGE (recorded_at);
CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT;
CREATE INDEX audit_event_seq ON audit_event (tenant_id, seq);
CREATE INDEX audit_event_patient ON audit_event (tenant_id, patient_id, recorded_at) WHERE patient_id IS NOT NULL;
CREATE INDEX audit_event_actor ON audit_event (tenant_id, actor_id, recorded_at);
CREATE INDEX audit_event_entities ON audit_event USING gin (entities jsonb_path_ops);
SELECT wall('audit_event');
SELECT wall('audit_event_default');

-- Creates the partitions of this and the coming months; idempotent. Months are
-- those of UTC, whoever calls: else two sessions would cut them differently.
CREATE FUNCTION audit_partitions(p_months integer) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE first date := date_trunc('month', now())::date; m date; name text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('audit_partitions'));
  FOR i IN 0 .. least(p_months, 24) LOOP
    m := first + make_interval(months => i);
    name := 'audit_event_' || to_char(m, 'YYYYMM');
    IF to_regclass('public.' || name) IS NULL THEN
      EXECUTE format('CREATE TABLE public.%I PARTITION OF public.audit_event FOR VALUES FROM (%L) TO (%L)',
        name, m, (m + interval '1 month')::date);
      PERFORM wall(name::regclass);
    END IF;
  END LOOP;
END $$;
SELECT audit_partitions(3);

-- One row per refusal and minute: a client that retries cannot flood the audit trail.
CREATE TABLE audit_denial (
  tenant_id text NOT NULL REFERENCES tenant,
  key       bytea NOT NULL,
  minute    timestamptz NOT NULL,
  event_id  uuid NOT NULL,
  repeats   integer NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, key, minute),
  UNIQUE (tenant_id, event_id)
);
SELECT wall('audit_denial');

CREATE TABLE outbox (
  tenant_id    text NOT NULL REFERENCES tenant,
  id           uuid NOT NULL,
  type         text NOT NULL,
  subject_type text NOT NULL,
  subject_id   uuid NOT NULL,
  patient_id   uuid,
  version      integer NOT NULL DEFAULT 1,
  created_at   timestamptz NOT NULL,
  delivered_at timestamptz,
  attempts     integer NOT NULL DEFAULT 0,
  next_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE delivered_at IS NULL;
CREATE INDEX outbox_patient ON outbox (tenant_id, patient_id, id);
SELECT wall('outbox');

CREATE FUNCTION outbox_work(p_limit integer)
  RETURNS TABLE (tenant_id text, id uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM set_config('app.background', 'on', true);
  RETURN QUERY SELECT o.tenant_id, o.id FROM outbox o
    WHERE o.delivered_at IS NULL AND o.next_at <= now() ORDER BY o.next_at LIMIT p_limit;
  PERFORM set_config('app.background', '', true);
END $$;

REVOKE ALL ON FUNCTION audit_partitions(integer), outbox_work(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_partitions(integer), outbox_work(integer) TO bonfire_app;
GRANT SELECT, INSERT, UPDATE ON file, link TO bonfire_app;
GRANT SELECT, INSERT ON provenance, audit_event TO bonfire_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON audit_denial TO bonfire_app;
GRANT SELECT, INSERT, UPDATE ON outbox TO bonfire_app;
