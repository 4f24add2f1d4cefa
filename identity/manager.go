package identity

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Config tunes identity. Only Keys must be set.
type Config struct {
	Keys          string        // directory of the token keys; made, with mode 0700, by the process that has a Manager
	TokenLifetime time.Duration // default one hour
	RotateKeys    time.Duration // how long a key makes tokens; default one day, at least TokenLifetime; negative: never
	Policy        Rules         // the operator's changes to the rules; the same in every process

	// AdminPassword is that of the administrator which the first start makes.
	// When it is empty a random one is written to AdminPasswordFile, mode 0600.
	AdminPassword     string
	AdminPasswordFile string

	PasswordHistory int           // how many last passwords a user may not choose again; default none
	LockoutAttempts int           // wrong passwords in a row that lock a user; default never
	LockoutDuration time.Duration // for how long; default 30 minutes
}

func (c Config) withDefaults() Config {
	if c.TokenLifetime <= 0 {
		c.TokenLifetime = time.Hour
	}
	if c.RotateKeys == 0 {
		c.RotateKeys = max(24*time.Hour, c.TokenLifetime)
	}
	if c.LockoutDuration <= 0 {
		c.LockoutDuration = 30 * time.Minute
	}
	return c
}

// Manager is the Service of the process that owns identity's tables.
type Manager struct {
	db     *db.DB
	auth   *Authenticator
	config Config
	log    *slog.Logger
	hasher *hasher
	now    func() time.Time

	// tokens are those validated lately, with their names. An entry lives
	// while nothing here has changed and for half a minute at most: another
	// process may have changed a name.
	tokens *otter.Cache[string, validated]
	epoch  atomic.Uint64

	end   context.CancelFunc
	loops sync.WaitGroup
}

// New returns a Manager. It does nothing until Start.
func New(p Params) (*Manager, error) {
	c := p.Config.withDefaults()
	if c.RotateKeys > 0 && c.RotateKeys < c.TokenLifetime {
		return nil, fault.Invalid.Errorf("identity: RotateKeys of %s is below TokenLifetime of %s: tokens would outlive their keys", c.RotateKeys, c.TokenLifetime)
	}
	h, err := newHasher()
	if err != nil {
		return nil, err
	}
	cache, err := otter.New(&otter.Options[string, validated]{
		MaximumSize:      10_000,
		ExpiryCalculator: otter.ExpiryWriting[string, validated](30 * time.Second),
	})
	if err != nil {
		return nil, fault.Internal.Wrap(err, "identity: token cache")
	}
	log := p.Log
	if log == nil {
		log = slog.Default()
	}
	return &Manager{
		db: p.DB, auth: p.Authenticator, config: c, log: log, hasher: h, tokens: cache,
		now: func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
	}, nil
}

// Start makes the token keys and, in a cloud without any domain, the first
// domain, roles and administrator. Then keys are rotated and old revocations
// forgotten, until Stop.
func (m *Manager) Start(ctx context.Context) error {
	if err := m.auth.keys.Setup(); err != nil {
		return err
	}
	if err := m.bootstrap(ctx); err != nil {
		return err
	}
	ctx, m.end = context.WithCancel(context.WithoutCancel(ctx))
	m.loops.Go(func() { m.keepTidy(ctx) })
	return nil
}

// Stop ends what Start began.
func (m *Manager) Stop() {
	if m.end != nil {
		m.end()
	}
	m.loops.Wait()
}

func (m *Manager) keepTidy(ctx context.Context) {
	hour := time.NewTicker(time.Hour)
	defer hour.Stop()
	for {
		if err := m.tidy(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("identity: will try again in an hour", "error", err)
		}
		select {
		case <-hour.C:
		case <-ctx.Done():
			return
		}
	}
}

func (m *Manager) tidy(ctx context.Context) error {
	oldest := m.now().Add(-m.config.TokenLifetime)
	m.auth.revoked.Prune(oldest)
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := remove[revocation](ctx, tx, "before < ?", oldest)
		return err
	})
	if m.config.RotateKeys < 0 {
		return err
	}
	since, e := m.auth.keys.PrimarySince()
	if e == nil && m.now().Sub(since) >= m.config.RotateKeys {
		e = m.auth.keys.Rotate(3)
		if errors.Is(e, fault.Conflict) {
			e = nil
		}
	}
	return errors.Join(err, e)
}

// write runs fn in a transaction with what it revokes: the revocations commit
// with it and hold in this process when write returns. Writes take turns, so that
// none saves over what another has changed.
func (m *Manager) write(ctx context.Context, fn func(ctx context.Context, tx *db.Tx, r *revoking) error) error {
	var list []token.Revocation
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx); err != nil {
			return err
		}
		r := revoking{now: m.now()}
		if err := fn(ctx, tx, &r); err != nil || len(r.subjects) == 0 {
			return err
		}
		// Late, so that a login that read what was before has a token from before.
		now := m.now()
		list = make([]token.Revocation, len(r.subjects))
		for i, s := range r.subjects {
			list[i] = token.Revoke(s.kind, s.id, now)
		}
		if err := storeRevocations(ctx, tx, list, now); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, Revoked{list})
	})
	if err != nil {
		return err
	}
	m.auth.revoked.Add(list...)
	m.epoch.Add(1)
	return nil
}

func lock(ctx context.Context, tx *db.Tx) error { return tx.Lock(ctx, "identity") }

// revoking collects what a transaction takes back.
type revoking struct {
	now      time.Time // of the transaction
	subjects []revoked
}

type revoked struct{ kind, id string }

func (r *revoking) by(kind, id string) { r.subjects = append(r.subjects, revoked{kind, id}) }

// may checks an administrative action on something that load finds. Whoever
// has no domain to manage is answered before anything is looked up, so that the
// answer does not tell what exists.
func may(ctx context.Context, action string, load func() (Target, error)) error {
	c := CallerOf(ctx)
	if c.DomainID == "" || c.Nobody() {
		return Allow(ctx, action, nil)
	}
	target, err := load()
	if err != nil {
		return err
	}
	return Allow(ctx, action, target)
}

// held is the target for what identity keeps.
type held struct {
	domain  DomainID
	project ProjectID
	user    UserID
}

// Owner returns the project, if it is one.
func (h held) Owner() string { return string(h.project) }

// Field returns what rules call domain_id and user_id.
func (h held) Field(name string) string {
	switch name {
	case "domain_id":
		return string(h.domain)
	case "user_id":
		return string(h.user)
	}
	return ""
}

// VisibleTo reports whether c may know that it exists.
func (h held) VisibleTo(c Caller) bool {
	return h.domain != "" && c.DomainID == string(h.domain) || h.user != "" && c.UserID == string(h.user)
}

var _ Service = (*Manager)(nil)
