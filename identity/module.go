package identity

import (
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/rest"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this domain.
var Migrations = db.Migrations{Domain: "identity", Files: files}

// Params is what a Manager is made of.
type Params struct {
	fx.In

	DB            *db.DB
	Authenticator *Authenticator
	Config        Config       `optional:"true"`
	Log           *slog.Logger `optional:"true"`
}

// Module keeps identity in this process: it provides a Service and accepts tokens.
var Module = fx.Module("identity",
	AuthModule,
	db.AddMigrations(Migrations),
	fx.Provide(newStarted),
)

// AuthModule lets a process accept tokens. Module and identityrpc.Module have it.
var AuthModule = fx.Module("identity authenticator",
	fx.Provide(newAuth, func(a *Authenticator) rest.Authenticator { return a }),
	fx.Invoke(watch),
)

func newStarted(lc fx.Lifecycle, p Params) (Service, error) {
	m, err := New(p)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartStopHook(m.Start, m.Stop))
	return m, nil
}

type authParams struct {
	fx.In

	Config Config       `optional:"true"`
	Log    *slog.Logger `optional:"true"`
}

func newAuth(p authParams) (*Authenticator, error) { return NewAuthenticator(p.Config, p.Log) }

type watchParams struct {
	fx.In

	Authenticator *Authenticator
	Service       Service
	Transport     bus.Transport `optional:"true"` // without one this process is the whole cloud
}

func watch(lc fx.Lifecycle, p watchParams) error {
	if err := p.Authenticator.Watch(p.Service); err != nil {
		return err
	}
	if p.Transport.Broadcast != nil {
		start := func() { p.Authenticator.Listen(p.Transport.Broadcast) }
		lc.Append(fx.StartStopHook(start, p.Authenticator.Stop))
	}
	return nil
}
