ALTER TABLE object_containers ADD COLUMN versions_in BYTEA NOT NULL DEFAULT '';
ALTER TABLE object_containers ADD COLUMN keep_deleted BOOLEAN NOT NULL DEFAULT FALSE;
