CREATE TABLE networks (
    id            TEXT PRIMARY KEY,
    project_id    TEXT NOT NULL,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL,
    tags          TEXT,
    revision      BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    admin_up      BOOLEAN NOT NULL,
    shared        BOOLEAN NOT NULL,
    external      BOOLEAN NOT NULL,
    mtu           BIGINT NOT NULL,
    port_security BOOLEAN NOT NULL,
    physical      TEXT NOT NULL
);
CREATE INDEX networks_project ON networks (project_id, created_at, id);

CREATE TABLE network_subnets (
    id           TEXT PRIMARY KEY,
    project_id   TEXT NOT NULL,
    name         TEXT NOT NULL,
    description  TEXT NOT NULL,
    tags         TEXT,
    revision     BIGINT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    network_id   TEXT NOT NULL REFERENCES networks (id),
    cidr         TEXT NOT NULL,
    gateway      TEXT NOT NULL,
    pools        TEXT,
    dns          TEXT,
    routes       TEXT,
    dhcp         BOOLEAN NOT NULL,
    dhcp_address TEXT NOT NULL,
    address_mode TEXT NOT NULL,
    ra_mode      TEXT NOT NULL
);
CREATE INDEX network_subnets_project ON network_subnets (project_id, created_at, id);
CREATE INDEX network_subnets_network ON network_subnets (network_id);

CREATE TABLE network_ports (
    id            TEXT PRIMARY KEY,
    project_id    TEXT NOT NULL,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL,
    tags          TEXT,
    revision      BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    network_id    TEXT NOT NULL REFERENCES networks (id),
    mac           TEXT NOT NULL,
    admin_up      BOOLEAN NOT NULL,
    status        TEXT NOT NULL,
    device_id     TEXT NOT NULL,
    device_owner  TEXT NOT NULL,
    host          TEXT NOT NULL,
    hostname      TEXT NOT NULL,
    vnic_type     TEXT NOT NULL,
    port_security BOOLEAN NOT NULL,
    pairs         TEXT,
    UNIQUE (network_id, mac)
);
CREATE INDEX network_ports_project ON network_ports (project_id, created_at, id);
CREATE INDEX network_ports_device ON network_ports (device_id);
CREATE INDEX network_ports_host ON network_ports (host);

-- Every address in use. The position is the address as 32 hexadecimal digits, in whose order the
-- next free one is found. Without a port it is what answers DHCP.
CREATE TABLE network_addresses (
    network_id TEXT NOT NULL REFERENCES networks (id),
    position   TEXT NOT NULL,
    subnet_id  TEXT NOT NULL REFERENCES network_subnets (id),
    address    TEXT NOT NULL,
    port_id    TEXT REFERENCES network_ports (id),
    PRIMARY KEY (network_id, position)
);
CREATE INDEX network_addresses_port ON network_addresses (port_id);
CREATE INDEX network_addresses_subnet ON network_addresses (subnet_id);

CREATE TABLE network_groups (
    id          TEXT PRIMARY KEY,
    project_id  TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    tags        TEXT,
    revision    BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    "default"   BOOLEAN NOT NULL
);
CREATE INDEX network_groups_project ON network_groups (project_id, created_at, id);
CREATE UNIQUE INDEX network_groups_default ON network_groups (project_id) WHERE "default";

CREATE TABLE network_rules (
    id           TEXT PRIMARY KEY,
    group_id     TEXT NOT NULL REFERENCES network_groups (id),
    project_id   TEXT NOT NULL,
    description  TEXT NOT NULL,
    ingress      BOOLEAN NOT NULL,
    ipv6         BOOLEAN NOT NULL,
    protocol     TEXT NOT NULL,
    min          BIGINT,
    max          BIGINT,
    remote       TEXT NOT NULL,
    remote_group TEXT NOT NULL,
    revision     BIGINT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX network_rules_group ON network_rules (group_id);
CREATE INDEX network_rules_remote ON network_rules (remote_group);
CREATE INDEX network_rules_project ON network_rules (project_id, created_at, id);

CREATE TABLE network_port_groups (
    port_id  TEXT NOT NULL REFERENCES network_ports (id),
    group_id TEXT NOT NULL REFERENCES network_groups (id),
    PRIMARY KEY (port_id, group_id)
);
CREATE INDEX network_port_groups_group ON network_port_groups (group_id);

CREATE TABLE network_routers (
    id                 TEXT PRIMARY KEY,
    project_id         TEXT NOT NULL,
    name               TEXT NOT NULL,
    description        TEXT NOT NULL,
    tags               TEXT,
    revision           BIGINT NOT NULL,
    created_at         TIMESTAMPTZ NOT NULL,
    updated_at         TIMESTAMPTZ NOT NULL,
    admin_up           BOOLEAN NOT NULL,
    routes             TEXT,
    gateway_network_id TEXT NOT NULL,
    gateway_port_id    TEXT NOT NULL,
    snat               BOOLEAN NOT NULL
);
CREATE INDEX network_routers_project ON network_routers (project_id, created_at, id);

CREATE TABLE network_floating (
    id            TEXT PRIMARY KEY,
    project_id    TEXT NOT NULL,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL,
    tags          TEXT,
    revision      BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    network_id    TEXT NOT NULL REFERENCES networks (id),
    address       TEXT NOT NULL,
    holder_id     TEXT NOT NULL REFERENCES network_ports (id),
    port_id       TEXT NOT NULL,
    fixed_address TEXT NOT NULL,
    router_id     TEXT NOT NULL,
    dns_name      TEXT NOT NULL,
    dns_domain    TEXT NOT NULL
);
CREATE INDEX network_floating_project ON network_floating (project_id, created_at, id);
CREATE INDEX network_floating_port ON network_floating (port_id);
CREATE INDEX network_floating_router ON network_floating (router_id);
CREATE UNIQUE INDEX network_floating_fixed ON network_floating (port_id, fixed_address) WHERE port_id <> '';
