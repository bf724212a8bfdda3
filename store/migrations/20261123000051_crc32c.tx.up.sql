-- Parts are verified by CRC32C instead of CRC-64/NVME. The checksum of a whole
-- object is between us and the store, which keeps it; records have the SHA-256.
ALTER TABLE upload_part DROP COLUMN crc64;
ALTER TABLE upload_part ADD COLUMN crc32c bigint NOT NULL DEFAULT 0; -- parts of before belong to uploads that begin again
ALTER TABLE upload_part ALTER COLUMN crc32c DROP DEFAULT;
ALTER TABLE upload DROP COLUMN crc64;
ALTER TABLE file DROP COLUMN crc64;
