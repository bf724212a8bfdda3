-- Bucket and rows are compared in the order of S3's keys, which is that of bytes.
CREATE INDEX file_object ON file (tenant_id, object_key COLLATE "C");
CREATE INDEX upload_object ON upload (tenant_id, object_key COLLATE "C") WHERE state <> 'completed';
CREATE INDEX upload_tail_object ON upload_tail (tenant_id, scratch_key COLLATE "C") WHERE scratch_key IS NOT NULL;

-- Events are kept for a while only: see docs/events.md.
CREATE INDEX outbox_age ON outbox (tenant_id, created_at);
GRANT DELETE ON outbox TO bonfire_app;
