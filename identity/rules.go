package identity

// DomainManager may manage what belongs to the domain in its scope.
const DomainManager = "role:admin or (role:manager and domain_id:%(domain_id)s)"

const (
	domainReader = SystemReader + " or (role:reader and domain_id:%(domain_id)s)"
	self         = " or user_id:%(user_id)s"
)

// The names are those of Keystone's own policy, so that an operator's rules carry over.
var _ = Define(Rules{
	"identity:create_domain": Admin,
	"identity:get_domain":    domainReader + " or user_domain_id:%(domain_id)s or project_domain_id:%(domain_id)s",
	"identity:list_domains":  domainReader,
	"identity:update_domain": Admin,
	"identity:delete_domain": Admin,

	"identity:create_project": DomainManager,
	"identity:get_project":    domainReader + " or project_id:%(project_id)s",
	"identity:list_projects":  domainReader,
	"identity:update_project": DomainManager,
	"identity:delete_project": DomainManager,

	"identity:create_user": DomainManager,
	"identity:get_user":    domainReader + self,
	"identity:list_users":  domainReader,
	"identity:update_user": DomainManager,
	"identity:delete_user": DomainManager,

	"identity:list_user_projects": domainReader + self,

	"identity:create_group":           DomainManager,
	"identity:get_group":              domainReader,
	"identity:list_groups":            domainReader,
	"identity:list_groups_for_user":   domainReader + self,
	"identity:update_group":           DomainManager,
	"identity:delete_group":           DomainManager,
	"identity:list_users_in_group":    domainReader,
	"identity:add_user_to_group":      DomainManager,
	"identity:check_user_in_group":    domainReader + self,
	"identity:remove_user_from_group": DomainManager,

	"identity:create_role":         Admin,
	"identity:get_role":            SystemReader + " or role:manager",
	"identity:list_roles":          SystemReader + " or role:manager",
	"identity:update_role":         Admin,
	"identity:delete_role":         Admin,
	"identity:create_implied_role": Admin,
	"identity:list_implied_roles":  SystemReader,
	"identity:delete_implied_role": Admin,

	"identity:create_grant":          DomainManager,
	"identity:check_grant":           domainReader,
	"identity:list_role_assignments": domainReader,
	"identity:revoke_grant":          DomainManager,

	"identity:validate_token":   "rule:identity:get_user or role:service",
	"identity:revoke_token":     Admin + self,
	"identity:list_revocations": AnyService,

	"identity:create_application_credential": "user_id:%(user_id)s",
	"identity:get_application_credential":    SystemReader + self,
	"identity:list_application_credentials":  SystemReader + self,
	"identity:delete_application_credential": Admin + self,
})
