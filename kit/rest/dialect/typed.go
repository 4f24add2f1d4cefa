package dialect

import (
	"net/http"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// typeNames are what clients know the kinds by where a face names no better type.
var typeNames = map[fault.Kind]string{
	fault.Invalid:         "HTTPBadRequest",
	fault.Unauthenticated: "HTTPUnauthorized",
	fault.Forbidden:       "PolicyNotAuthorized",
	fault.NotFound:        "HTTPNotFound",
	fault.Conflict:        "HTTPConflict",
	fault.OverQuota:       "OverQuota",
	fault.Exhausted:       "IpAddressGenerationFailure",
	fault.Unsupported:     "HTTPNotImplemented",
	fault.Unavailable:     "ServiceUnavailable",
	fault.Internal:        "HTTPInternalServerError",
}

// Typed writes {"NeutronError": {"type": "…", "message": "…", "detail": ""}}, as
// network (Neutron) does. Clients choose an exception by the type; types names
// it for reasons, and for kinds where the default does not fit.
func Typed(types map[error]string) Dialect {
	return func(h http.Header, p Problem) []byte {
		type body struct {
			Type    string `json:"type"`
			Message string `json:"message"`
			Detail  string `json:"detail"`
		}
		name := typeNames[p.Reason.Kind]
		if t, ok := types[p.Reason.Kind]; ok {
			name = t
		}
		if t, ok := types[p.Reason]; ok {
			name = t
		}
		return asJSON(h, map[string]body{"NeutronError": {Type: name, Message: p.Message}})
	}
}
