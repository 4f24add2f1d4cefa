package identity

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/maypok86/otter/v2"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// askAgain is how old what is known of revocations may grow while tokens come
// in. Revoked events arrive at once; this finds those that a broker lost.
const askAgain = time.Minute

// Authenticator turns the token of a request into the Caller of a context. It
// verifies by itself, with the keys and with the revocations it keeps in memory.
type Authenticator struct {
	config  Config
	keys    *token.Keys
	revoked token.Revocations
	log     *slog.Logger
	now     func() time.Time

	verified *otter.Cache[string, *verified]
	policy   func() (*Policy, error)

	source   atomic.Pointer[Tokens]
	mu       sync.Mutex   // held while asking the source
	asked    atomic.Int64 // unix nanoseconds; 0 before the first answer
	answered time.Time    // the last question that was answered; under mu

	end   context.CancelFunc
	loops sync.WaitGroup
}

// verified is a good token and what it comes to. It is checked again for
// revocation only when there are new revocations.
type verified struct {
	claims  token.Claims
	carried *carried
	changes atomic.Uint64
}

// NewAuthenticator returns an Authenticator that accepts nothing before Watch.
func NewAuthenticator(c Config, log *slog.Logger) (*Authenticator, error) {
	if c.Keys == "" {
		return nil, fault.Invalid.Errorf("identity: Config.Keys names no directory for the token keys")
	}
	cache, err := otter.New(&otter.Options[string, *verified]{
		MaximumSize:      50_000,
		ExpiryCalculator: otter.ExpiryWriting[string, *verified](10 * time.Minute),
	})
	if err != nil {
		return nil, fault.Internal.Wrap(err, "identity: token cache")
	}
	if log == nil {
		log = slog.Default()
	}
	return &Authenticator{
		config: c.withDefaults(), keys: token.NewKeys(c.Keys), log: log, now: time.Now, verified: cache,
		policy: sync.OnceValues(func() (*Policy, error) {
			if len(c.Policy) == 0 {
				return nil, nil
			}
			return NewPolicy(c.Policy)
		}),
	}, nil
}

// Watch makes source the place to ask for revocations: the Manager of this
// process or a client of it. A policy that does not compile is Invalid.
func (a *Authenticator) Watch(source Tokens) error {
	a.source.Store(&source)
	_, err := a.policy()
	return err
}

// Listen takes Revoked events from a broker, as it rings for them, until Stop.
// Those that get lost are asked for within a minute of the next request.
func (a *Authenticator) Listen(from message.Subscriber) {
	ctx, end := context.WithCancel(context.Background())
	a.end = end
	a.loops.Go(func() {
		for ctx.Err() == nil {
			in, err := from.Subscribe(ctx, Revoked{}.Name())
			if err != nil {
				a.log.Warn("identity: cannot hear of revocations, trying on", "error", err)
			} else {
				a.hear(in)
			}
			a.asked.Store(min(a.asked.Load(), 1)) // ask for what was missed meanwhile
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	})
}

// Stop ends Listen.
func (a *Authenticator) Stop() {
	if a.end != nil {
		a.end()
	}
	a.loops.Wait()
}

func (a *Authenticator) hear(in <-chan *message.Message) {
	for msg := range in {
		msg.Ack()
		var e Revoked
		if json.Unmarshal(msg.Payload, &e) == nil {
			a.revoked.Add(e.Revocations...)
		}
	}
}

// Authenticate returns ctx with the caller that the token names. A bad, expired
// or revoked one is Unauthenticated.
func (a *Authenticator) Authenticate(ctx context.Context, text string) (context.Context, error) {
	v, err := a.verify(ctx, text)
	if err != nil {
		return ctx, err
	}
	p, err := a.policy()
	if err != nil {
		return ctx, fault.Unavailable.Wrap(err, "policy")
	}
	if p != nil {
		ctx = WithPolicy(ctx, p)
	}
	return v.carried.into(ctx), nil
}

func (a *Authenticator) verify(ctx context.Context, text string) (*verified, error) {
	if err := a.refresh(ctx); err != nil {
		return nil, err
	}
	now := a.now()
	changes := a.revoked.Changes()
	v, ok := a.verified.GetIfPresent(text)
	if ok && v.changes.Load() == changes && now.Before(v.claims.ExpiresAt) {
		return v, nil
	}
	if !ok {
		claims, err := token.Verify(a.keys, text, now)
		if err != nil {
			return nil, err
		}
		v = &verified{claims: claims, carried: carry(callerFrom(claims))}
	}
	if !now.Before(v.claims.ExpiresAt) || a.revoked.Revoked(v.claims) {
		a.verified.Invalidate(text)
		return nil, fault.Unauthenticated.Errorf("the token is not valid")
	}
	v.changes.Store(changes)
	if !ok {
		a.verified.Set(text, v)
	}
	return v, nil
}

// refresh asks for revocations when the last answer is old. Before the first
// answer nothing is accepted; afterwards what is known serves until the source
// answers again.
func (a *Authenticator) refresh(ctx context.Context) error {
	asked := a.asked.Load()
	now := a.now()
	if asked != 0 && now.Sub(time.Unix(0, asked)) < askAgain {
		return nil
	}
	if asked != 0 && !a.mu.TryLock() {
		return nil // somebody is asking
	}
	if asked == 0 {
		a.mu.Lock()
	}
	defer a.mu.Unlock()
	if a.asked.Load() != asked {
		return nil
	}
	err := a.ask(ctx, now)
	if err != nil && asked == 0 {
		return fault.Unavailable.Wrap(err, "tokens cannot be checked yet")
	}
	if err != nil {
		a.log.Warn("identity: revocations may be out of date", "error", err)
	}
	a.asked.Store(now.UnixNano())
	return nil
}

func (a *Authenticator) ask(ctx context.Context, now time.Time) error {
	source := a.source.Load()
	if source == nil {
		return fault.Unavailable.Errorf("identity has not started")
	}
	since := now.Add(-a.config.TokenLifetime)
	if a.answered.After(since) {
		since = a.answered
	}
	ctx, cancel := context.WithTimeout(With(context.WithoutCancel(ctx), System("identity.authenticator")), 5*time.Second)
	defer cancel()
	revoked, err := (*source).Revocations(ctx, since.Add(-askAgain)) // clocks differ
	if err != nil {
		return err
	}
	a.answered = now
	a.revoked.Add(revoked...)
	a.revoked.Prune(now.Add(-a.config.TokenLifetime))
	return nil
}

// Describe tells the access log whose request it was.
func (a *Authenticator) Describe(ctx context.Context) []slog.Attr {
	c := callerOf(ctx, bus.Baggage(ctx))
	if c.Nobody() {
		return nil
	}
	attrs := []slog.Attr{slog.String("user", c.UserID)}
	if c.ProjectID != "" {
		attrs = append(attrs, slog.String("project", c.ProjectID))
	}
	return attrs
}

func callerFrom(c token.Claims) Caller {
	return Caller{
		UserID: c.UserID, UserName: c.UserName, UserDomainID: c.UserDomainID,
		ProjectID: c.ProjectID, ProjectName: c.ProjectName, ProjectDomainID: c.ProjectDomainID,
		DomainID: c.DomainID, System: c.System, Roles: c.Roles, AuditID: c.AuditID,
		CredentialID: c.CredentialID,
	}
}
