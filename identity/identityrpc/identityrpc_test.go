package identityrpc_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identityrpc"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
)

func TestClient(t *testing.T) {
	for _, kind := range []bustest.Kind{bustest.GoChannel, bustest.NATS} {
		t.Run(string(kind), func(t *testing.T) {
			identitytest.TestService(t, func(t *testing.T) identity.Service {
				m, _ := identitytest.New(t, identitytest.Config(t))
				server, client := bustest.Pair(t, kind, nil)
				identityrpc.Serve(server, m)
				return identityrpc.Client{Bus: client}
			})
		})
	}
}
