CREATE TABLE images (
    id               TEXT PRIMARY KEY,
    project_id       TEXT NOT NULL,
    name             TEXT NOT NULL,
    status           TEXT NOT NULL,
    visibility       TEXT NOT NULL,
    protected        BOOLEAN NOT NULL,
    hidden           BOOLEAN NOT NULL,
    disk_format      TEXT NOT NULL,
    container_format TEXT NOT NULL,
    size_bytes       BIGINT NOT NULL,
    virtual_bytes    BIGINT NOT NULL,
    md5              TEXT NOT NULL,
    sha512           TEXT NOT NULL,
    min_disk_gib     BIGINT NOT NULL,
    min_memory_mib   BIGINT NOT NULL,
    store            TEXT NOT NULL,
    blob             TEXT NOT NULL,
    properties       TEXT,
    tags             TEXT,
    created_at       TIMESTAMPTZ NOT NULL,
    updated_at       TIMESTAMPTZ NOT NULL
);
CREATE INDEX images_project ON images (project_id, created_at, id);
CREATE INDEX images_visibility ON images (visibility, created_at, id);
CREATE INDEX images_name ON images (name);

CREATE TABLE image_members (
    image_id   TEXT NOT NULL REFERENCES images (id),
    project_id TEXT NOT NULL,
    status     TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (image_id, project_id)
);
CREATE INDEX image_members_project ON image_members (project_id);

CREATE TABLE image_uploads (
    blob       TEXT PRIMARY KEY,
    image_id   TEXT NOT NULL,
    store      TEXT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    dead       BOOLEAN NOT NULL
);
