package network

import "github.com/nacre-cloud/nacre/identity"

// Actions, and who may do them unless the operator says otherwise.
var _ = identity.Define(identity.Rules{
	"network:list":            identity.Reader,
	"network:list-all":        identity.SystemReader,
	"network:create":          identity.Member,
	"network:create:provider": identity.Admin, // shared, external or physical
	"network:create:other":    identity.Admin, // for another project
	"network:show":            identity.Reader,
	"network:use":             identity.Member, // to plug ports into it; shared ones need no rule
	"network:update":          identity.Member,
	"network:delete":          identity.Member,

	"network:subnet:create": identity.Member,
	"network:subnet:show":   identity.Reader,
	"network:subnet:update": identity.Member,
	"network:subnet:delete": identity.Member,

	"network:subnetpool:create":        identity.Member,
	"network:subnetpool:create:shared": identity.Admin,
	"network:subnetpool:show":          identity.Reader,
	"network:subnetpool:update":        identity.Member,
	"network:subnetpool:delete":        identity.Member,

	"network:port:create":  identity.Member,
	"network:port:show":    identity.Reader,
	"network:port:update":  identity.Member,
	"network:port:delete":  identity.Member,
	"network:port:trusted": identity.Member, // in the network's project: to choose MAC and addresses, and to send as others
	"network:port:bind":    identity.AnyService,
	"network:port:device":  identity.AnyService, // to say whose a port is that is plugged in, or the network's own

	"network:host:view":   identity.AnyService,
	"network:host:report": identity.AnyService,
	"network:host:list":   identity.SystemReader + " or role:service",
	"network:host:delete": identity.Admin,
	"network:zone:list":   identity.Anyone,

	"network:group:create": identity.Member,
	"network:group:show":   identity.Reader,
	"network:group:update": identity.Member,
	"network:group:delete": identity.Member,

	"network:router:create":          identity.Member,
	"network:router:create:nat":      identity.Admin, // to choose SNAT or the gateway's address
	"network:router:show":            identity.Reader,
	"network:router:update":          identity.Member,
	"network:router:delete":          identity.Member,
	"network:floatingip:create":      identity.Member,
	"network:floatingip:create:addr": identity.Admin, // to choose the address
	"network:floatingip:show":        identity.Reader,
	"network:floatingip:update":      identity.Member,
	"network:floatingip:delete":      identity.Member,

	"network:quota:show":   identity.Reader,
	"network:quota:update": identity.Admin,
})
