CREATE TABLE identity_domains (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	description TEXT NOT NULL,
	enabled BOOLEAN NOT NULL,
	extra TEXT,
	created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE identity_projects (
	id TEXT PRIMARY KEY,
	domain_id TEXT NOT NULL REFERENCES identity_domains (id),
	parent_id TEXT NOT NULL,
	name TEXT NOT NULL,
	description TEXT NOT NULL,
	enabled BOOLEAN NOT NULL,
	tags TEXT,
	extra TEXT,
	created_at TIMESTAMPTZ NOT NULL,
	UNIQUE (domain_id, name)
);
CREATE INDEX identity_projects_by_parent ON identity_projects (parent_id);

CREATE TABLE identity_users (
	id TEXT PRIMARY KEY,
	domain_id TEXT NOT NULL REFERENCES identity_domains (id),
	name TEXT NOT NULL,
	description TEXT NOT NULL,
	email TEXT NOT NULL,
	default_project_id TEXT NOT NULL,
	enabled BOOLEAN NOT NULL,
	extra TEXT,
	created_at TIMESTAMPTZ NOT NULL,
	password_hash TEXT NOT NULL,
	password_changed_at TIMESTAMPTZ NOT NULL,
	failed_logins INTEGER NOT NULL,
	failed_at TIMESTAMPTZ NOT NULL,
	UNIQUE (domain_id, name)
);

CREATE TABLE identity_old_passwords (
	user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
	changed_at TIMESTAMPTZ NOT NULL,
	password_hash TEXT NOT NULL,
	PRIMARY KEY (user_id, changed_at)
);

CREATE TABLE identity_groups (
	id TEXT PRIMARY KEY,
	domain_id TEXT NOT NULL REFERENCES identity_domains (id),
	name TEXT NOT NULL,
	description TEXT NOT NULL,
	extra TEXT,
	created_at TIMESTAMPTZ NOT NULL,
	UNIQUE (domain_id, name)
);

CREATE TABLE identity_members (
	group_id TEXT NOT NULL REFERENCES identity_groups (id) ON DELETE CASCADE,
	user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
	PRIMARY KEY (group_id, user_id)
);
CREATE INDEX identity_members_by_user ON identity_members (user_id);

CREATE TABLE identity_roles (
	id TEXT PRIMARY KEY,
	domain_id TEXT NOT NULL,
	name TEXT NOT NULL,
	description TEXT NOT NULL,
	extra TEXT,
	created_at TIMESTAMPTZ NOT NULL,
	UNIQUE (domain_id, name)
);

CREATE TABLE identity_implications (
	role_id TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
	implies_id TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
	PRIMARY KEY (role_id, implies_id)
);

CREATE TABLE identity_assignments (
	user_id TEXT NOT NULL,
	group_id TEXT NOT NULL,
	role_id TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
	scope TEXT NOT NULL,
	scope_id TEXT NOT NULL,
	inherited BOOLEAN NOT NULL,
	PRIMARY KEY (user_id, group_id, scope, scope_id, role_id, inherited)
);
CREATE INDEX identity_assignments_by_group ON identity_assignments (group_id);
CREATE INDEX identity_assignments_by_scope ON identity_assignments (scope, scope_id);

CREATE TABLE identity_credentials (
	id TEXT PRIMARY KEY,
	user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
	project_id TEXT NOT NULL,
	name TEXT NOT NULL,
	description TEXT NOT NULL,
	secret_hash TEXT NOT NULL,
	roles TEXT,
	unrestricted BOOLEAN NOT NULL,
	expires_at TIMESTAMPTZ NOT NULL,
	created_at TIMESTAMPTZ NOT NULL,
	UNIQUE (user_id, name)
);
CREATE INDEX identity_credentials_by_project ON identity_credentials (project_id);

CREATE TABLE identity_revocations (
	subject TEXT PRIMARY KEY,
	before TIMESTAMPTZ NOT NULL,
	made_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX identity_revocations_by_time ON identity_revocations (made_at);
