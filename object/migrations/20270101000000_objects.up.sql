CREATE TABLE object_accounts (
    project_id TEXT PRIMARY KEY,
    metadata   TEXT,
    created_at TIMESTAMPTZ NOT NULL
);

-- Names are bytes: their order is the same in every database and locale.
CREATE TABLE object_containers (
    project_id TEXT NOT NULL,
    name       BYTEA NOT NULL,
    metadata   TEXT,
    read_acl   TEXT NOT NULL,
    write_acl  TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (project_id, name)
);

CREATE TABLE objects (
    project_id   TEXT NOT NULL,
    container    BYTEA NOT NULL,
    name         BYTEA NOT NULL,
    blob         TEXT NOT NULL,
    size         BIGINT NOT NULL,
    stored       BIGINT NOT NULL,
    etag         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    encoding     TEXT NOT NULL,
    disposition  TEXT NOT NULL,
    manifest     TEXT NOT NULL,
    metadata     TEXT,
    delete_at    BIGINT NOT NULL,
    segments     TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (project_id, container, name)
);

CREATE INDEX objects_usage ON objects (project_id, container, stored);
CREATE INDEX objects_blob ON objects (blob);
CREATE INDEX objects_delete_at ON objects (delete_at) WHERE delete_at > 0;
