-- The log of what happened here. position is null until the relay numbers the row.
CREATE TABLE bus_outbox (
	id         TEXT PRIMARY KEY,
	position   BIGINT,
	topic      TEXT NOT NULL,
	body       TEXT NOT NULL,
	baggage    TEXT NOT NULL,
	created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX bus_outbox_position ON bus_outbox (position);
CREATE INDEX bus_outbox_new ON bus_outbox (id) WHERE position IS NULL;

-- One row: the name of this log, its last number, and the last number pruned from it.
CREATE TABLE bus_origin (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	id       TEXT NOT NULL,
	position BIGINT NOT NULL,
	pruned   BIGINT NOT NULL
);

-- How far each listener of this database has come in each log, by topic.
CREATE TABLE bus_inbox (
	listener TEXT NOT NULL,
	origin   TEXT NOT NULL,
	topic    TEXT NOT NULL,
	position BIGINT NOT NULL,
	PRIMARY KEY (listener, origin, topic)
);

CREATE TABLE bus_dead_letters (
	id         TEXT PRIMARY KEY,
	listener   TEXT NOT NULL,
	origin     TEXT NOT NULL,
	position   BIGINT NOT NULL,
	event      TEXT NOT NULL,
	topic      TEXT NOT NULL,
	body       TEXT NOT NULL,
	baggage    TEXT NOT NULL,
	error      TEXT NOT NULL,
	attempts   INTEGER NOT NULL,
	created_at TIMESTAMPTZ NOT NULL
);
