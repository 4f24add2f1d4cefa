package compute

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/md5" //nolint:gosec // the API's fingerprint is an MD5
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

var keypairNames = regexp.MustCompile(`^[\w @.-]{1,255}$`)

// forUser returns the user that a request about keypairs means, if the caller may
// act for it.
func forUser(ctx context.Context, user string) (string, error) {
	if user == "" {
		user = identity.CallerOf(ctx).UserID
	}
	return user, identity.Allow(ctx, "keypair:use", identity.OfUser(user))
}

// CreateKeypair implements Service.
func (m *Manager) CreateKeypair(ctx context.Context, s KeypairSpec) (Keypair, error) {
	user, err := forUser(ctx, s.UserID)
	if err != nil {
		return Keypair{}, err
	}
	if !keypairNames.MatchString(s.Name) || strings.TrimSpace(s.Name) != s.Name {
		return Keypair{}, fault.Invalid.Errorf("keypair name %.64q: use 1 to %d letters, digits, blanks, and any of @._-", s.Name, maxText)
	}
	k := Keypair{UserID: user, Name: s.Name, Type: cmp.Or(s.Type, KeySSH), PublicKey: strings.TrimSpace(s.PublicKey), CreatedAt: db.Now()}
	if k.Type != KeySSH && k.Type != KeyX509 {
		return Keypair{}, fault.Invalid.Errorf("keypair type %.20q: use %s or %s", k.Type, KeySSH, KeyX509)
	}
	if err := k.complete(); err != nil {
		return Keypair{}, err
	}
	return k, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		want := quota.Amount{ResourceKeypairs: 1}
		if err := m.quota.Reserve(ctx, tx, identity.CallerOf(ctx).ProjectID, want, keypairsOf(user)); err != nil {
			return err
		}
		return insertKeypair(ctx, tx, &k)
	})
}

// complete makes a pair where there is no public key, and the fingerprint of it.
func (k *Keypair) complete() error {
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	k.ID = int64(binary.BigEndian.Uint32(id[:]) >> 1)
	produce, fingerprint := k.generate, sshFingerprint
	if k.Type == KeyX509 {
		produce, fingerprint = k.certify, certificateFingerprint
	}
	if k.PublicKey == "" {
		if err := produce(); err != nil {
			return err
		}
	}
	var err error
	k.Fingerprint, err = fingerprint(k.Name, k.PublicKey)
	return err
}

// sshFingerprint returns the MD5 of a key as OpenSSH writes it.
func sshFingerprint(name, text string) (string, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return "", fault.Invalid.Errorf("keypair %s: the public key is not one that OpenSSH knows", name)
	}
	sum := md5.Sum(key.Marshal()) //nolint:gosec // as above
	return pairs(sum[:]), nil
}

// pairs writes bytes as fingerprints are written: "0a:ff".
func pairs(sum []byte) string {
	out := make([]string, len(sum))
	for i, b := range sum {
		out[i] = hex.EncodeToString([]byte{b})
	}
	return strings.Join(out, ":")
}

func (k *Keypair) generate() error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fault.Internal.Wrap(err, "generate keypair %s", k.Name)
	}
	block, err := ssh.MarshalPrivateKey(private, k.Name)
	if err != nil {
		return fault.Internal.Wrap(err, "generate keypair %s", k.Name)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return fault.Internal.Wrap(err, "generate keypair %s", k.Name)
	}
	k.PublicKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " Generated-by-Nacre"
	k.PrivateKey = string(pem.EncodeToMemory(block))
	return nil
}

// Keypair implements Service.
func (m *Manager) Keypair(ctx context.Context, id KeypairID) (Keypair, error) {
	user, err := forUser(ctx, id.UserID)
	if err != nil {
		return Keypair{}, err
	}
	return loadKeypair(ctx, m.db.Read(), KeypairID{user, id.Name})
}

// Keypairs implements Service.
func (m *Manager) Keypairs(ctx context.Context, q KeypairQuery) (page.Of[Keypair], error) {
	user, err := forUser(ctx, q.UserID)
	if err != nil {
		return page.Of[Keypair]{}, err
	}
	q.UserID = user
	return listKeypairs(ctx, m.db.Read(), q)
}

// DeleteKeypair implements Service.
func (m *Manager) DeleteKeypair(ctx context.Context, id KeypairID) error {
	k, err := m.Keypair(ctx, id)
	if err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return deleteKeypair(ctx, tx, k) })
}
