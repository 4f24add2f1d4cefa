package scheduler

import "github.com/nacre-cloud/nacre/identity"

// operators may look at hosts: administrators, whoever reads the whole system,
// and other domains.
const operators = identity.SystemReader + " or role:service"

// Actions, and who may do them unless the operator says otherwise.
var _ = identity.Define(identity.Rules{
	"scheduler:place":          identity.AnyService,
	"scheduler:release":        identity.AnyService,
	"scheduler:placement:show": operators,
	"scheduler:placement:list": operators,
	"scheduler:host:report":    identity.AnyService,
	"scheduler:host:show":      operators,
	"scheduler:host:list":      operators,
	"scheduler:host:update":    identity.AnyService,
	"scheduler:host:delete":    identity.AnyService,
})
