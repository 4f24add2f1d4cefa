CREATE TABLE quotas (
    domain     TEXT NOT NULL,
    project_id TEXT NOT NULL,
    resource   TEXT NOT NULL,
    max        BIGINT NOT NULL,
    PRIMARY KEY (domain, project_id, resource)
);
