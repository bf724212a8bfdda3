-- A link leads to a file or to a note.
ALTER TABLE link ALTER COLUMN file_id DROP NOT NULL;
ALTER TABLE link ADD COLUMN note_id uuid;
ALTER TABLE link ADD FOREIGN KEY (tenant_id, note_id) REFERENCES note;
ALTER TABLE link ADD CONSTRAINT link_one_document CHECK (num_nonnulls(file_id, note_id) = 1);
CREATE INDEX link_note ON link (tenant_id, note_id) WHERE note_id IS NOT NULL;
COMMENT ON COLUMN link.file_version IS 'the version of the file or of the note';

-- The text of one version of a note as an object, for links to it. The text in
-- note_version is the truth, this a copy. The row stays when the copy has gone:
-- the bucket's log may yet tell of downloads of it.
CREATE TABLE note_object (
  tenant_id  text NOT NULL,
  object_key text NOT NULL,
  note_id    uuid NOT NULL,
  version    integer NOT NULL,
  size       bigint NOT NULL CHECK (size >= 0),
  sha256     bytea NOT NULL,
  put_at     timestamptz NOT NULL,
  gone_at    timestamptz,
  PRIMARY KEY (tenant_id, object_key),
  FOREIGN KEY (tenant_id, note_id, version) REFERENCES note_version
);
CREATE UNIQUE INDEX note_object_version ON note_object (tenant_id, note_id, version) WHERE gone_at IS NULL;
CREATE INDEX note_object_object ON note_object (tenant_id, object_key COLLATE "C") WHERE gone_at IS NULL;
SELECT wall('note_object');
GRANT SELECT, INSERT, UPDATE (gone_at) ON note_object TO bonfire_app;
