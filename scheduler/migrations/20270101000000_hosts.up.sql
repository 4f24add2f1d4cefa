CREATE TABLE scheduler_hosts (
	id                TEXT PRIMARY KEY,
	name              TEXT NOT NULL UNIQUE,
	availability_zone TEXT NOT NULL,
	enabled           BOOLEAN NOT NULL,
	disabled_reason   TEXT NOT NULL,
	traits            TEXT NOT NULL,
	generation        BIGINT NOT NULL,
	digest            TEXT NOT NULL,
	seen_at           TIMESTAMPTZ NOT NULL,
	created_at        TIMESTAMPTZ NOT NULL
);

-- used is the sum of the host's placements. Both change in one transaction; the
-- sum is kept because adding up thousands of rows for each claim is not free.
CREATE TABLE scheduler_inventories (
	host_id  TEXT NOT NULL,
	class    TEXT NOT NULL,
	total    BIGINT NOT NULL,
	reserved BIGINT NOT NULL,
	ratio    DOUBLE PRECISION NOT NULL,
	capacity BIGINT NOT NULL,
	used     BIGINT NOT NULL CHECK (used >= 0),
	PRIMARY KEY (host_id, class)
);

CREATE TABLE scheduler_placements (
	consumer_id TEXT PRIMARY KEY,
	host_id     TEXT NOT NULL,
	host_name   TEXT NOT NULL,
	project_id  TEXT NOT NULL,
	user_id     TEXT NOT NULL,
	resources   TEXT NOT NULL,
	created_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX scheduler_placements_host ON scheduler_placements (host_id);
CREATE INDEX scheduler_placements_project ON scheduler_placements (project_id, created_at);
