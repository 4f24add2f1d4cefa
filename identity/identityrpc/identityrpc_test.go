package identityrpc_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identityrpc"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/runtest"
)

func TestClient(t *testing.T) {
	identitytest.TestService(t, func(t *testing.T) identity.Service {
		m, _ := identitytest.New(t, identitytest.Config(t))
		b := bus.New(bus.Params{})
		identityrpc.Serve(b, m)
		return identityrpc.Client{Bus: runtest.Start(t, b)}
	})
}
