CREATE TABLE volume_types (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    public      BOOLEAN NOT NULL,
    backend     TEXT NOT NULL,
    specs       TEXT,
    projects    TEXT,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL
);

CREATE TABLE volumes (
    id                TEXT PRIMARY KEY,
    project_id        TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    name              TEXT NOT NULL,
    description       TEXT NOT NULL,
    size_gib          BIGINT NOT NULL,
    status            TEXT NOT NULL,
    message           TEXT NOT NULL,
    type_id           TEXT NOT NULL,
    backend           TEXT NOT NULL,
    availability_zone TEXT NOT NULL,
    bootable          BOOLEAN NOT NULL,
    snapshot_id       TEXT NOT NULL,
    source_id         TEXT NOT NULL,
    image_id          TEXT NOT NULL,
    image_metadata    TEXT,
    metadata          TEXT,
    created_at        TIMESTAMPTZ NOT NULL,
    updated_at        TIMESTAMPTZ NOT NULL
);
CREATE INDEX volumes_project ON volumes (project_id, created_at, id);

CREATE TABLE volume_snapshots (
    id          TEXT PRIMARY KEY,
    volume_id   TEXT NOT NULL REFERENCES volumes (id),
    project_id  TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    size_gib    BIGINT NOT NULL,
    status      TEXT NOT NULL,
    message     TEXT NOT NULL,
    backend     TEXT NOT NULL,
    metadata    TEXT,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX volume_snapshots_project ON volume_snapshots (project_id, created_at, id);
CREATE INDEX volume_snapshots_volume ON volume_snapshots (volume_id);

CREATE TABLE volume_attachments (
    id          TEXT PRIMARY KEY,
    volume_id   TEXT NOT NULL UNIQUE REFERENCES volumes (id),
    project_id  TEXT NOT NULL,
    server_id   TEXT NOT NULL,
    host        TEXT NOT NULL,
    device      TEXT NOT NULL,
    connection  TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    attached_at TIMESTAMPTZ
);
CREATE INDEX volume_attachments_server ON volume_attachments (server_id);
