CREATE TABLE flow_runs (
    id         TEXT PRIMARY KEY,
    flow       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    status     TEXT NOT NULL,
    step       TEXT NOT NULL,
    state      TEXT NOT NULL,
    baggage    TEXT,
    cancelled  BOOLEAN NOT NULL,
    back_to    TEXT NOT NULL,
    backs      INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    message    TEXT NOT NULL,
    step_at    BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    owner      TEXT NOT NULL,
    fence      BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    ended_at   TIMESTAMPTZ
);
CREATE UNIQUE INDEX flow_runs_open ON flow_runs (subject) WHERE status IN ('running', 'undoing');
CREATE UNIQUE INDEX flow_runs_queued ON flow_runs (subject) WHERE status = 'queued';
CREATE INDEX flow_runs_due ON flow_runs (due_at) WHERE status IN ('running', 'undoing');
CREATE INDEX flow_runs_ended ON flow_runs (ended_at) WHERE ended_at IS NOT NULL;
