-- Keys of agents and devices, broken glass, and why links were ended.

-- An API key. Its secret is shown once and kept as its SHA-256; the tenant is
-- named in the secret, so a key is looked up behind the wall. What a key may
-- do follows from its member; all that a key itself says narrows that.
CREATE TABLE api_key (
  tenant_id     text NOT NULL,
  id            uuid NOT NULL,
  member_id     uuid NOT NULL,
  member_kind   text NOT NULL CHECK (member_kind IN ('agent', 'device')),
  on_behalf_of  uuid,
  behalf_kind   text GENERATED ALWAYS AS (CASE WHEN on_behalf_of IS NOT NULL THEN 'user' END) STORED,
  label         text NOT NULL,
  scopes        text[],
  bound         boolean NOT NULL,
  secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
  created_at    timestamptz NOT NULL,
  created_by    uuid NOT NULL,
  expires_at    timestamptz,
  revoked_at    timestamptz,
  last_used_at  timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, secret_sha256),
  FOREIGN KEY (tenant_id, member_id, member_kind) REFERENCES member (tenant_id, id, kind),
  FOREIGN KEY (tenant_id, on_behalf_of, behalf_kind) REFERENCES member (tenant_id, id, kind)
);
CREATE INDEX api_key_member ON api_key (tenant_id, member_id);
SELECT wall('api_key');

-- What a bound key reaches: a patient, or the patient of a visit for as long as
-- the visit lasts; always until some date.
CREATE TABLE key_grant (
  tenant_id    text NOT NULL,
  key_id       uuid NOT NULL,
  number       integer NOT NULL,
  patient_id   uuid NOT NULL,
  encounter_id uuid,
  until        timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, key_id, number),
  FOREIGN KEY (tenant_id, key_id) REFERENCES api_key,
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient,
  FOREIGN KEY (tenant_id, encounter_id) REFERENCES encounter
);
SELECT wall('key_grant');

-- What was begun or issued with a key lives no longer than the key does.
ALTER TABLE upload ADD COLUMN via_key uuid;
ALTER TABLE link ADD COLUMN via_key uuid;

-- Who ended a link, and why in their words.
ALTER TABLE link ADD COLUMN revoked_by uuid;
ALTER TABLE link ADD COLUMN revoked_reason text NOT NULL DEFAULT '';

-- One chart, opened for some minutes by somebody who is not on its panel. The
-- reason is in the words of who did it. A grant does not change; its review is
-- written once.
CREATE TABLE break_glass (
  tenant_id   text NOT NULL,
  id          uuid NOT NULL,
  member_id   uuid NOT NULL,
  patient_id  uuid NOT NULL,
  reason      text NOT NULL CHECK (length(reason) >= 10),
  granted_at  timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL CHECK (expires_at > granted_at AND expires_at <= granted_at + interval '1 hour'),
  event_id    uuid NOT NULL,
  reviewed_at timestamptz,
  reviewed_by uuid,
  verdict     text CHECK (verdict IN ('justified', 'unjustified')),
  remark      text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, member_id) REFERENCES member,
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient,
  CHECK ((reviewed_at IS NULL) = (reviewed_by IS NULL) AND (reviewed_at IS NULL) = (verdict IS NULL)),
  CHECK (reviewed_by <> member_id)
);
CREATE INDEX break_glass_member ON break_glass (tenant_id, member_id, expires_at);
CREATE INDEX break_glass_queue ON break_glass (tenant_id, granted_at, id) WHERE reviewed_at IS NULL;
SELECT wall('break_glass');

GRANT SELECT, INSERT ON api_key, key_grant, break_glass TO bonfire_app;
GRANT UPDATE (revoked_at, last_used_at) ON api_key TO bonfire_app;
GRANT UPDATE (until) ON key_grant TO bonfire_app;
GRANT UPDATE (reviewed_at, reviewed_by, verdict, remark) ON break_glass TO bonfire_app;
