package volume

import "github.com/nacre-cloud/nacre/identity"

// Actions, and who may do them unless the operator says otherwise.
var _ = identity.Define(identity.Rules{
	"volume:create":          identity.Member,
	"volume:show":            identity.Reader,
	"volume:list":            identity.Reader,
	"volume:list-all":        identity.SystemReader,
	"volume:update":          identity.Member,
	"volume:reset":           identity.Admin,
	"volume:upload":          identity.Member,
	"volume:extend":          identity.Member,
	"volume:delete":          identity.Member,
	"volume:attach":          identity.Member,
	"volume:connect":         identity.AnyService,
	"volume:detach":          identity.Member,
	"volume:snapshot:create": identity.Member,
	"volume:snapshot:show":   identity.Reader,
	"volume:snapshot:update": identity.Member,
	"volume:snapshot:delete": identity.Member,
	"volume:type:list":       identity.Anyone,
	"volume:type:manage":     identity.Admin,
	"volume:backend:list":    identity.SystemReader,
	"volume:quota:show":      identity.Reader,
	"volume:quota:update":    identity.Admin,
})
