package image

import "github.com/nacre-cloud/nacre/identity"

// seer may look at an image of its own project, or at one that is open to it.
const seer = identity.Reader + " or (role:reader and project_id:%(open_to)s)"

// Actions, and who may do them unless the operator says otherwise.
var _ = identity.Define(identity.Rules{
	"image:create":               identity.Member,
	"image:create:other":         identity.Admin, // for another project, or giving it away
	"image:show":                 seer,
	"image:list":                 identity.Reader,
	"image:list-all":             identity.SystemReader,
	"image:update":               identity.Member,
	"image:publicize":            identity.Admin,
	"image:communitize":          identity.Member,
	"image:delete":               identity.Member,
	"image:upload":               identity.Member,
	"image:download":             seer,
	"image:download:deactivated": identity.Admin,
	"image:deactivate":           identity.Member,
	"image:store:list":           identity.Anyone,
	"image:member:add":           identity.Member,
	"image:member:show":          seer,
	"image:member:update":        "role:admin or (role:member and project_id:%(member_id)s)",
	"image:member:remove":        identity.Member,
	"image:quota:show":           identity.Reader,
	"image:quota:update":         identity.Admin,
})
