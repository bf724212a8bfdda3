-- Notes: an AI drafts, a human signs, and what was signed stays as it is (P6).
-- The rules stand here too, so that no mistake above the database can break them.

-- A signer is a member of kind "user". The foreign key holds that in both
-- directions: nobody who has signed can be turned into an agent or a device.
ALTER TABLE member ADD CONSTRAINT member_of_kind UNIQUE (tenant_id, id, kind);

CREATE TABLE note (
  tenant_id       text NOT NULL,
  id              uuid NOT NULL,
  patient_id      uuid NOT NULL,
  encounter_id    uuid,
  status          text NOT NULL CHECK (status IN ('draft', 'signed', 'amended', 'entered-in-error')),
  version         integer NOT NULL DEFAULT 1 CHECK (version > 0),
  title           text NOT NULL DEFAULT '',
  text            text NOT NULL,
  text_sha256     bytea NOT NULL CHECK (text_sha256 = sha256(convert_to(text, 'UTF8'))),
  sources         jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(sources) = 'array'),
  confidentiality smallint NOT NULL DEFAULT 0 CHECK (confidentiality BETWEEN 0 AND 2),
  author_id       uuid NOT NULL,
  author_kind     text NOT NULL CHECK (author_kind IN ('user', 'agent', 'device')),
  signer_id       uuid,
  signer_kind     text GENERATED ALWAYS AS (CASE WHEN signer_id IS NOT NULL THEN 'user' END) STORED,
  signed_at       timestamptz,
  amends          uuid,
  amended_by      uuid,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient,
  FOREIGN KEY (tenant_id, encounter_id) REFERENCES encounter,
  FOREIGN KEY (tenant_id, amends) REFERENCES note,
  FOREIGN KEY (tenant_id, amended_by) REFERENCES note,
  CONSTRAINT note_signer FOREIGN KEY (tenant_id, signer_id, signer_kind) REFERENCES member (tenant_id, id, kind),
  CHECK ((signer_id IS NULL) = (signed_at IS NULL)),
  CHECK (signer_id IS NULL OR status <> 'draft'),
  CHECK (signer_id IS NOT NULL OR status NOT IN ('signed', 'amended')),
  CHECK ((amended_by IS NOT NULL) = (status = 'amended') OR status = 'entered-in-error')
);
CREATE INDEX note_chart ON note (tenant_id, patient_id, created_at, id);
CREATE INDEX note_sources ON note USING gin (sources jsonb_path_ops);
CREATE INDEX note_amends ON note (tenant_id, amends) WHERE amends IS NOT NULL;
SELECT wall('note');

-- A note is born a draft and written only while it is one. What leaves that
-- state takes its words along unchanged, and from then on only its state moves.
CREATE FUNCTION note_stays() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  moves text[] := '{status,version,updated_at,signer_kind}';
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a note is never deleted' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'note_stays';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'draft' THEN
      RAISE EXCEPTION 'a note is born a draft' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'note_stays';
    END IF;
    RETURN NEW;
  END IF;
  CASE OLD.status || ' ' || NEW.status
    WHEN 'draft draft' THEN moves := moves || '{title,text,text_sha256,sources,encounter_id,confidentiality}'::text[];
    WHEN 'draft signed' THEN moves := moves || '{signer_id,signed_at}'::text[];
    WHEN 'signed amended', 'amended signed' THEN moves := moves || '{amended_by}'::text[]; -- back when the amendment is retracted
    WHEN 'draft entered-in-error', 'signed entered-in-error', 'amended entered-in-error' THEN NULL;
    ELSE RAISE EXCEPTION 'a note does not go from % to %', OLD.status, NEW.status
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'note_stays';
  END CASE;
  IF NEW.version <> OLD.version + 1 OR to_jsonb(NEW) - moves <> to_jsonb(OLD) - moves THEN
    RAISE EXCEPTION 'a note changes by versions, and only while it is a draft'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'note_stays';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER note_stays BEFORE INSERT OR UPDATE OR DELETE ON note FOR EACH ROW EXECUTE FUNCTION note_stays();

-- Every version as it stood: what the model produced and what the clinician made
-- of it. Append-only by privilege.
CREATE TABLE note_version (
  tenant_id   text NOT NULL,
  note_id     uuid NOT NULL,
  version     integer NOT NULL,
  status      text NOT NULL,
  title       text NOT NULL,
  text        text NOT NULL,
  text_sha256 bytea NOT NULL CHECK (text_sha256 = sha256(convert_to(text, 'UTF8'))),
  sources     jsonb NOT NULL,
  made_by     uuid NOT NULL,
  made_kind   text NOT NULL,
  made_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, note_id, version),
  FOREIGN KEY (tenant_id, note_id) REFERENCES note
);
SELECT wall('note_version');

-- Why something was done, in the words of who did it.
ALTER TABLE provenance ADD COLUMN reason text NOT NULL DEFAULT '';

GRANT SELECT, INSERT, UPDATE ON note TO bonfire_app;
GRANT SELECT, INSERT ON note_version TO bonfire_app;
