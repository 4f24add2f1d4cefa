package rest

import (
	"context"
	"log/slog"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// An Authenticator turns the value of X-Auth-Token into a context that knows
// who is calling. A token that is not good is fault.Unauthenticated, and
// fault.Unavailable says that it could not be checked now.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (context.Context, error)
}

// A Describer is an Authenticator that tells the access log who called, such as
// the project: a few short attributes, and no secret.
type Describer interface {
	Describe(ctx context.Context) []slog.Attr
}

// AuthenticatorFunc is a function that is an Authenticator.
type AuthenticatorFunc func(ctx context.Context, token string) (context.Context, error)

// Authenticate calls f.
func (f AuthenticatorFunc) Authenticate(ctx context.Context, token string) (context.Context, error) {
	return f(ctx, token)
}

// authenticate returns the context that route's handler runs under.
func (s *site) authenticate(ctx context.Context, route *Route, token string) (context.Context, error) {
	switch {
	case route.access == withoutToken:
		return ctx, nil
	case token == "" && route.access == withOrWithoutToken:
		return ctx, nil
	case token == "":
		return ctx, fault.Unauthenticated.Errorf("the request you have made requires authentication: send X-Auth-Token")
	case s.authenticator == nil:
		return ctx, fault.Unauthenticated.Errorf("no token is accepted here: this process has no authenticator")
	}
	return s.authenticator.Authenticate(ctx, token)
}

var _ Authenticator = AuthenticatorFunc(nil)
