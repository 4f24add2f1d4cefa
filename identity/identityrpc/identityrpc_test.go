package identityrpc_test

import (
	"context"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identityrpc"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/bus"
)

func TestClient(t *testing.T) {
	identitytest.TestService(t, func(t *testing.T) identity.Service {
		m, _ := identitytest.New(t, identitytest.Config(t))
		b := bus.New(bus.Params{})
		identityrpc.Serve(b, m)
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := b.Stop(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
		return identityrpc.Client{Bus: b}
	})
}
