CREATE TABLE dns_records (
    server_id  TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name       TEXT NOT NULL,
    address    TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX dns_records_project ON dns_records (project_id, created_at, server_id);
