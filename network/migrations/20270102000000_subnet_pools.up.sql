CREATE TABLE network_subnet_pools (
    id           TEXT PRIMARY KEY,
    project_id   TEXT NOT NULL,
    name         TEXT NOT NULL,
    description  TEXT NOT NULL,
    tags         TEXT,
    revision     BIGINT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    prefixes     TEXT,
    min_bits     BIGINT NOT NULL,
    max_bits     BIGINT NOT NULL,
    default_bits BIGINT NOT NULL,
    quota        BIGINT NOT NULL,
    shared       BOOLEAN NOT NULL
);
CREATE INDEX network_subnet_pools_project ON network_subnet_pools (project_id, created_at, id);

ALTER TABLE network_subnets ADD COLUMN subnet_pool_id TEXT NOT NULL DEFAULT '';
CREATE INDEX network_subnets_pool ON network_subnets (subnet_pool_id) WHERE subnet_pool_id <> '';
