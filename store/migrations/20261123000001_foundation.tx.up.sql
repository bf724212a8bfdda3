-- Tenants, principals, patients and encounters.
--
-- Every table of a tenant has the column tenant_id, its key starts with it, and
-- row-level security holds it against the transaction's app.tenant: the second
-- wall behind the policy gate. FORCE makes the wall hold for the owner too.
-- Background work learns which tenants have something to do from narrow
-- SECURITY DEFINER functions; these see rows through the policy "background",
-- which applies to the owner alone and only while such a function has
-- app.background on. (A SET clause of the function would be shorter, but needs
-- a superuser for a setting Postgres does not know.) pg_temp is named last in
-- their search_path, or a temporary table could stand in for a real one.

CREATE FUNCTION app_tenant() RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.tenant', true), '');

CREATE FUNCTION wall(tab regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tab);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tab);
  EXECUTE format('CREATE POLICY tenant_wall ON %s USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))', tab);
  EXECUTE format('CREATE POLICY background ON %s FOR SELECT TO %I USING ((SELECT current_setting(''app.background'', true)) = ''on'')', tab, current_user);
END $$;
REVOKE ALL ON FUNCTION wall(regclass) FROM PUBLIC;

CREATE TABLE tenant (
  tenant_id    text PRIMARY KEY CHECK (tenant_id ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  display      text NOT NULL,
  link_ttl_max interval,
  created_at   timestamptz NOT NULL DEFAULT now()
);
SELECT wall('tenant');

-- A principal as our own records describe it. A token only says which row it is.
CREATE TABLE member (
  tenant_id   text NOT NULL REFERENCES tenant,
  id          uuid NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('user', 'agent', 'device', 'system')),
  display     text NOT NULL,
  roles       text[] NOT NULL DEFAULT '{}',
  clearance   smallint NOT NULL DEFAULT 0 CHECK (clearance BETWEEN 0 AND 2),
  departments text[] NOT NULL DEFAULT '{}',
  care_groups text[] NOT NULL DEFAULT '{}',
  issuer      text,
  subject     text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  ended_at    timestamptz,
  PRIMARY KEY (tenant_id, id),
  CHECK ((issuer IS NULL) = (subject IS NULL))
);
CREATE UNIQUE INDEX member_login ON member (issuer, subject) WHERE ended_at IS NULL;
SELECT wall('member');

CREATE TABLE patient (
  tenant_id    text NOT NULL REFERENCES tenant,
  id           uuid NOT NULL,
  display_name text NOT NULL DEFAULT '',
  identifiers  jsonb NOT NULL DEFAULT '[]',
  care_groups  text[] NOT NULL DEFAULT '{}',
  created_at   timestamptz NOT NULL DEFAULT now(),
  created_by   uuid NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
SELECT wall('patient');

-- Whose care a patient is in (a user's panel), or which patients an agent or
-- device was granted, until when.
CREATE TABLE panel (
  tenant_id  text NOT NULL,
  member_id  uuid NOT NULL,
  patient_id uuid NOT NULL,
  since      timestamptz NOT NULL DEFAULT now(),
  until      timestamptz,
  PRIMARY KEY (tenant_id, member_id, patient_id),
  FOREIGN KEY (tenant_id, member_id) REFERENCES member,
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient
);
SELECT wall('panel');

CREATE TABLE encounter (
  tenant_id  text NOT NULL,
  id         uuid NOT NULL,
  patient_id uuid NOT NULL,
  status     text NOT NULL DEFAULT 'in-progress',
  started_at timestamptz,
  ended_at   timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by uuid NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient
);
CREATE INDEX encounter_patient ON encounter (tenant_id, patient_id, created_at);
SELECT wall('encounter');

-- The answer a creating call gave, for the same call made again.
CREATE TABLE idempotency (
  tenant_id  text NOT NULL REFERENCES tenant,
  actor_id   uuid NOT NULL,
  verb       text NOT NULL,
  key        text NOT NULL,
  input_sha  bytea NOT NULL,
  result_id  uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, actor_id, verb, key)
);
SELECT wall('idempotency');

-- Which tenant a login belongs to: the one question that must be asked before a tenant is known.
CREATE FUNCTION member_of_login(p_issuer text, p_subject text)
  RETURNS TABLE (tenant_id text, id uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM set_config('app.background', 'on', true);
  RETURN QUERY SELECT m.tenant_id, m.id FROM member m
    WHERE m.issuer = p_issuer AND m.subject = p_subject AND m.ended_at IS NULL;
  PERFORM set_config('app.background', '', true);
END $$;

CREATE FUNCTION all_tenants() RETURNS SETOF text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM set_config('app.background', 'on', true);
  RETURN QUERY SELECT t.tenant_id FROM tenant t ORDER BY t.tenant_id;
  PERFORM set_config('app.background', '', true);
END $$;

REVOKE ALL ON FUNCTION member_of_login(text, text), all_tenants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION member_of_login(text, text), all_tenants(), app_tenant() TO bonfire_app;
GRANT SELECT ON tenant, member, panel TO bonfire_app;
GRANT SELECT, INSERT, UPDATE ON patient, encounter TO bonfire_app;
GRANT INSERT, UPDATE, DELETE ON panel TO bonfire_app;
GRANT INSERT, UPDATE ON member, tenant TO bonfire_app;
GRANT SELECT, INSERT, DELETE ON idempotency TO bonfire_app;
