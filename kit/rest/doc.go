// Package rest serves the HTTP faces of the domains. A domain's …api package
// describes its API as data, a Face; a Server mounts all faces below their
// prefixes on one port, and any of them alone on a port of its own.
//
// Who calls it. Packages named …api declare a Face with its routes and write
// handlers; a handler decodes, calls a Service, encodes:
//
//	func (a *api) create(r *rest.Request, in serverCreate) (rest.Response, error) {
//		s, err := a.servers.Create(r.Context(), in.spec())
//		if err != nil {
//			return rest.Response{}, err
//		}
//		return rest.ReplyUnder("server", a.created(s)).Location(r.URL("/v2.1/servers", s.ID)), nil
//	}
//
//	rest.POST("/v2.1/servers", rest.JSONUnder("server", a.create)).Status(202).Strict()
//
// Mains list Module and may give a Config. See the package's example for a whole face.
//
// What it promises. Before a handler runs the request has an id, a span, a
// caller (unless the route is Public) and a microversion, its body has a limit,
// and the route lives at that version. After it, a fault has become a status and
// an error body in the face's Dialect, a panic has become a 500 that tells
// nothing, and the request is counted, logged and traced. Versioned fields are
// described in package microversion, error bodies in package dialect.
//
// Status codes are part of the table: a Route's Status is that of success.
// A fault's status is fault.Kind.Status unless the Face's Statuses or WithStatus
// says otherwise.
//
// What follows a request. Its id and its span travel with the context on the bus
// and in the rows of flows: what it caused, in whichever process and after
// whichever crash, has RequestID(ctx) and spans of the same trace.
//
// Who implements it. Authenticator is identity's: it turns a token into a
// context that knows the caller. Checks for /healthz come through the value
// group "rest.checks", collectors for /metrics through "rest.metrics", faces
// through "rest.faces".
package rest
