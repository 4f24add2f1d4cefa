package compute

import "github.com/nacre-cloud/nacre/identity"

// owner is the rule for what belongs to a user and to no project.
const owner = "role:admin or user_id:%(user_id)s"

// Actions, and who may do them unless the operator says otherwise.
var _ = identity.Define(identity.Rules{
	"server:create":        identity.Member,
	"server:create-on":     identity.Admin, // on a host of one's choice
	"server:show":          identity.Reader,
	"server:show-host":     identity.SystemReader,
	"server:list":          identity.Reader,
	"server:list-all":      identity.SystemReader,
	"server:update":        identity.Member,
	"server:delete":        identity.Member,
	"server:power":         identity.Member,
	"server:lock":          identity.Member,
	"server:unlock-others": identity.Admin,
	"server:attach":        identity.Member,
	"server:console":       identity.Member,
	"server:guest":         identity.AnyService,
	"flavor:list":          identity.Anyone,
	"flavor:manage":        identity.Admin,
	"keypair:use":          owner,
	"compute:quota:show":   identity.Reader,
	"compute:quota:update": identity.Admin,
	"host:list":            identity.SystemReader,
	"host:report":          identity.AnyService,
})
