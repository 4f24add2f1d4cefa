CREATE TABLE metering_spans (
	server_id   TEXT NOT NULL,
	started_at  TIMESTAMPTZ NOT NULL,
	stopped_at  TIMESTAMPTZ,
	server_name TEXT NOT NULL,
	project_id  TEXT NOT NULL,
	flavor_name TEXT NOT NULL,
	vcpus       INTEGER NOT NULL,
	memory_mib  INTEGER NOT NULL,
	disk_gib    INTEGER NOT NULL,
	PRIMARY KEY (server_id, started_at)
);
CREATE UNIQUE INDEX metering_spans_open ON metering_spans (server_id) WHERE stopped_at IS NULL;
CREATE INDEX metering_spans_project ON metering_spans (project_id, server_id);

CREATE TABLE metering_meters (
	id          TEXT PRIMARY KEY,
	key         BIGINT NOT NULL UNIQUE,
	name        TEXT NOT NULL,
	resource_id TEXT NOT NULL,
	project_id  TEXT NOT NULL
);
CREATE INDEX metering_meters_resource ON metering_meters (resource_id);
CREATE INDEX metering_meters_project ON metering_meters (project_id, name);

-- at_ms counts milliseconds since 1970: both databases divide numbers into
-- periods alike, and times not.
CREATE TABLE metering_samples (
	meter BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	value DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (meter, at_ms)
);

-- One row for each minute in which some process collected: no two collect in one.
CREATE TABLE metering_rounds (minute BIGINT PRIMARY KEY);
