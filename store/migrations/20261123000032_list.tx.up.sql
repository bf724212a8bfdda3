-- Lists that are quick behind the wall. A condition with an operator that is not
-- leakproof, such as jsonb's @>, is only asked of rows that row-level security has
-- let through: no index on it is ever used. What is looked up by has its own
-- column, compared by =, which is leakproof.

-- Pages of files and notes of no chart in particular, in the order of their creation.
CREATE INDEX file_order ON file (tenant_id, created_at, id);
CREATE INDEX note_order ON note (tenant_id, created_at, id);

DROP INDEX provenance_target, note_sources, audit_event_entities;

-- What each piece of evidence is about.
CREATE TABLE provenance_target (
  tenant_id     text NOT NULL,
  target_id     uuid NOT NULL,
  provenance_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, target_id, provenance_id),
  FOREIGN KEY (tenant_id, provenance_id) REFERENCES provenance
);
CREATE INDEX provenance_target_back ON provenance_target (tenant_id, provenance_id);

-- What each note comes from, drafts included.
CREATE TABLE note_source (
  tenant_id text NOT NULL,
  source_id uuid NOT NULL,
  note_id   uuid NOT NULL,
  PRIMARY KEY (tenant_id, source_id, note_id),
  FOREIGN KEY (tenant_id, note_id) REFERENCES note
);
CREATE INDEX note_source_back ON note_source (tenant_id, note_id);

SELECT set_config('app.background', 'on', true);
INSERT INTO provenance_target
  SELECT DISTINCT v.tenant_id, (x->>'id')::uuid, v.id FROM provenance v, jsonb_array_elements(v.targets) AS x WHERE x->>'id' IS NOT NULL;
INSERT INTO note_source
  SELECT DISTINCT n.tenant_id, coalesce(x->>'file', x->>'note')::uuid, n.id FROM note n, jsonb_array_elements(n.sources) AS x
   WHERE coalesce(x->>'file', x->>'note') IS NOT NULL;
SELECT set_config('app.background', '', true);

SELECT wall('provenance_target'), wall('note_source');

-- Kept by triggers: a server of the release before this one keeps them, too.
CREATE FUNCTION provenance_targets() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO provenance_target
    SELECT DISTINCT NEW.tenant_id, (x->>'id')::uuid, NEW.id FROM jsonb_array_elements(NEW.targets) AS x WHERE x->>'id' IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER provenance_targets AFTER INSERT ON provenance FOR EACH ROW EXECUTE FUNCTION provenance_targets();

CREATE FUNCTION note_sources() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  DELETE FROM note_source WHERE tenant_id = NEW.tenant_id AND note_id = NEW.id;
  INSERT INTO note_source
    SELECT DISTINCT NEW.tenant_id, coalesce(x->>'file', x->>'note')::uuid, NEW.id FROM jsonb_array_elements(NEW.sources) AS x
     WHERE coalesce(x->>'file', x->>'note') IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER note_sources AFTER INSERT OR UPDATE OF sources ON note FOR EACH ROW EXECUTE FUNCTION note_sources();

GRANT SELECT, INSERT ON provenance_target TO bonfire_app;
GRANT SELECT, INSERT, DELETE ON note_source TO bonfire_app;
