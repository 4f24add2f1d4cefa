package object

import "github.com/nacre-cloud/nacre/identity"

// RoleReseller is the role that may use every account and set its quota.
const RoleReseller = "ResellerAdmin"

const orReseller = " or role:" + RoleReseller

// Actions, and who may do them unless the operator says otherwise. What a
// container's access lists or a signature allow is allowed besides.
var _ = identity.Define(identity.Rules{
	"object:account:show":     identity.Reader + orReseller,
	"object:account:update":   identity.Member + orReseller,
	"object:account:quota":    identity.Admin + orReseller,
	"object:container:create": identity.Member + orReseller,
	"object:container:show":   identity.Reader + orReseller,
	"object:container:update": identity.Member + orReseller,
	"object:container:delete": identity.Member + orReseller,
	"object:read":             identity.Reader + orReseller,
	"object:write":            identity.Member + orReseller,
})

// account is the target of all actions: everything in it belongs to its project.
type account string

// Owner returns the project.
func (a account) Owner() string { return string(a) }

// VisibleTo reports true: an account says nothing by existing.
func (account) VisibleTo(identity.Caller) bool { return true }
