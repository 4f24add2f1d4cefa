package identity

import (
	"context"
	"crypto/rand"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm/argon2"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// MaxPassword is the longest password, in bytes.
const MaxPassword = 1024

// Cost of one argon2id hash: 12 MiB three times over, one of the settings that
// OWASP counts as equally strong, chosen for the least memory at once.
const (
	hashMemory     = 12 * 1024 // KiB
	hashIterations = 3
)

// hasher makes and checks password hashes, a few at a time: each takes a core
// and memory, so that more at once would only let strangers exhaust both.
type hasher struct {
	argon *argon2.Hasher
	all   *crypt.Decoder // of hashes that others made, too
	slots chan struct{}
	mark  string // how a hash of today's cost begins

	dummy func() string // a hash of no password, to spend the time on
}

func newHasher() (*hasher, error) {
	argon, err := argon2.New(argon2.WithVariantID(), argon2.WithMemoryInKiB(hashMemory),
		argon2.WithIterations(hashIterations), argon2.WithParallelism(1), argon2.WithSaltLength(16))
	if err != nil {
		return nil, fault.Internal.Wrap(err, "argon2id")
	}
	all, err := crypt.NewDefaultDecoder()
	if err != nil {
		return nil, fault.Internal.Wrap(err, "password hashes")
	}
	h := &hasher{argon: argon, all: all, slots: make(chan struct{}, runtime.GOMAXPROCS(0)), mark: "$argon2id$v=19$m=12288,t=3,p=1$"}
	h.dummy = sync.OnceValue(func() string {
		digest, err := argon.Hash(rand.Text())
		if err != nil {
			return ""
		}
		return digest.Encode()
	})
	return h, nil
}

// hash returns the hash to store for a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	digest, err := h.argon.Hash(password)
	if err != nil {
		return "", fault.Internal.Wrap(err, "hash a password")
	}
	return digest.Encode(), nil
}

// matches reports whether password made the stored hash. An empty hash, of a
// user without password or of no user at all, takes as long and never matches.
func (h *hasher) matches(ctx context.Context, password, stored string) (bool, error) {
	if len(password) > MaxPassword {
		return false, nil
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	known := stored != ""
	if !known {
		stored = h.dummy()
	}
	digest, err := h.all.Decode(stored)
	var ok bool
	if err == nil {
		ok, err = digest.MatchAdvanced(password)
	}
	if err != nil {
		return false, fault.Internal.Errorf("a stored password hash cannot be read") // the cause might show it
	}
	return ok && known, nil
}

// outdated reports whether a hash was made at another cost than today's.
func (h *hasher) outdated(stored string) bool { return !strings.HasPrefix(stored, h.mark) }

// hashPatience is how long a password waits for its turn. Who would wait longer is
// told so at once, and comes back, instead of lengthening the queue.
const hashPatience = 10 * time.Second

func (h *hasher) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hashPatience)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.Unavailable.Errorf("too many log in at once: %w", ctx.Err())
	}
}

func (h *hasher) leave() { <-h.slots }

func checkPassword(password string) error {
	switch {
	case password == "":
		return fault.Invalid.Errorf("a password must not be empty")
	case len(password) > MaxPassword:
		return fault.Invalid.Errorf("a password of %d bytes is above the limit of %d", len(password), MaxPassword)
	}
	return nil
}
