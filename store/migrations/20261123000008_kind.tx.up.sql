-- A clinic's own kinds of files. Rows are only ever added: the one of the highest
-- version counts, and what was valid when a file came in can be looked up.
CREATE TABLE kind (
  tenant_id text NOT NULL REFERENCES tenant,
  code      text NOT NULL,
  version   integer NOT NULL CHECK (version > 0),
  retired   boolean NOT NULL,
  entry     jsonb NOT NULL,
  set_by    uuid NOT NULL,
  set_at    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, code, version)
);
SELECT wall('kind');

GRANT SELECT, INSERT ON kind TO bonfire_app;
