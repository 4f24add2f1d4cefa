-- The hosts that carry networks, as they report themselves. The generation is that of the view
-- that was computed last for a host, by whichever process.
CREATE TABLE network_hosts (
    name       TEXT PRIMARY KEY,
    generation BIGINT NOT NULL,
    seen_at    TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

-- The groups that a host's rules depend on. Whoever changes their rules or members tells the host.
CREATE TABLE network_host_groups (
    group_id TEXT NOT NULL,
    host     TEXT NOT NULL,
    PRIMARY KEY (group_id, host)
);
CREATE INDEX network_host_groups_host ON network_host_groups (host);
