CREATE TABLE servers (
    id                TEXT PRIMARY KEY,
    project_id        TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    name              TEXT NOT NULL,
    description       TEXT NOT NULL,
    hostname          TEXT NOT NULL,
    status            TEXT NOT NULL,
    flavor            TEXT NOT NULL,
    flavor_id         TEXT NOT NULL,
    vcpus             BIGINT NOT NULL,
    memory_mib        BIGINT NOT NULL,
    image_id          TEXT NOT NULL,
    key_name          TEXT NOT NULL,
    public_key        TEXT NOT NULL,
    user_data         TEXT NOT NULL,
    config_drive      BOOLEAN NOT NULL,
    availability_zone TEXT NOT NULL,
    access_ipv4       TEXT NOT NULL,
    access_ipv6       TEXT NOT NULL,
    host              TEXT NOT NULL,
    metadata          TEXT,
    tags              TEXT,
    locked            BOOLEAN NOT NULL,
    locked_reason     TEXT NOT NULL,
    security_groups   TEXT,
    nics              TEXT,
    disks             TEXT,
    fault             TEXT,
    reservation_id    TEXT NOT NULL,
    launch_index      BIGINT NOT NULL,
    created_at        TIMESTAMPTZ NOT NULL,
    updated_at        TIMESTAMPTZ NOT NULL,
    launched_at       TIMESTAMPTZ
);
CREATE INDEX servers_project ON servers (project_id, created_at, id);
CREATE INDEX servers_usage ON servers (project_id, vcpus, memory_mib);
CREATE INDEX servers_host ON servers (host);

CREATE TABLE server_actions (
    id          TEXT PRIMARY KEY,
    server_id   TEXT NOT NULL,
    project_id  TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    name        TEXT NOT NULL,
    message     TEXT NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ
);
CREATE INDEX server_actions_server ON server_actions (server_id, id);

CREATE TABLE flavors (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    description   TEXT NOT NULL,
    vcpus         BIGINT NOT NULL,
    memory_mib    BIGINT NOT NULL,
    root_gib      BIGINT NOT NULL,
    ephemeral_gib BIGINT NOT NULL,
    swap_mib      BIGINT NOT NULL,
    rx_tx_factor  DOUBLE PRECISION NOT NULL,
    public        BOOLEAN NOT NULL,
    specs         TEXT,
    projects      TEXT,
    created_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE keypairs (
    user_id     TEXT NOT NULL,
    name        TEXT NOT NULL,
    id          BIGINT NOT NULL,
    type        TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    public_key  TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, name)
);
