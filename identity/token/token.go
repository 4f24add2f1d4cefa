// Package token makes tokens that every process can verify by itself.
//
// A token carries who, in which scope and with which roles, encrypted and
// authenticated with keys from a directory that the processes share (Fernet).
// No database is asked: verifying costs microseconds. What a token cannot know,
// that it was taken back since, stands in Revocations, which each process keeps
// in memory.
//
// Package identity issues tokens and authenticates requests with them; nobody
// else needs this package. It promises that a token which was forged, altered,
// cut or has expired is Unauthenticated, and that the answer never says which.
package token

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/fernet/fernet-go"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// MaxLength is the longest text that is looked at as a token, in bytes.
const MaxLength = 4096

// Claims are what a token says. At most one of ProjectID, DomainID and System is set.
type Claims struct {
	UserID, UserName, UserDomainID          string
	ProjectID, ProjectName, ProjectDomainID string
	DomainID                                string
	System                                  bool
	Methods                                 []string  // how the user proved who it is
	Roles                                   []string  // names, implied ones too
	CredentialID                            string    // the application credential used, if any
	AuditID                                 string    // this token's; 22 letters, see NewAuditID
	ParentAuditID                           string    // that of the token it was made from, if any
	IssuedAt                                time.Time // to the microsecond
	ExpiresAt                               time.Time // to the second
}

// errToken is the one answer to every token that is not good.
var errToken = fault.Unauthenticated.Errorf("the token is not valid")

// Issue returns c as a token made with the primary key of keys.
func Issue(keys *Keys, c Claims) (string, error) {
	ring, err := keys.ring()
	if err != nil {
		return "", err
	}
	payload, err := encode(c)
	if err != nil {
		return "", err
	}
	tok, err := fernet.EncryptAndSignAtTime(payload, ring[0], c.IssuedAt)
	if err != nil {
		return "", fault.Internal.Wrap(err, "make a token")
	}
	text := strings.TrimRight(string(tok), "=")
	if len(text) > MaxLength {
		return "", fault.Invalid.Errorf("the user has too many roles in one scope for a token of %d bytes", MaxLength)
	}
	return text, nil
}

// Verify returns what a token says. Whatever is wrong with it, it is Unauthenticated;
// keys that cannot be read are Unavailable.
func Verify(keys *Keys, token string, now time.Time) (Claims, error) {
	ring, err := keys.ring()
	if err != nil {
		return Claims{}, err
	}
	padded, ok := canonical(token)
	if !ok {
		return Claims{}, errToken
	}
	payload := fernet.VerifyAndDecrypt(padded, -1, ring)
	if payload == nil {
		return Claims{}, errToken
	}
	c, err := decode(payload)
	if err != nil || !now.Before(c.ExpiresAt) {
		return Claims{}, errToken
	}
	return c, nil
}

// canonical returns token with its padding, if it is the one spelling of its
// bytes: the Fernet library would overlook what follows them.
func canonical(token string) ([]byte, bool) {
	if token == "" || len(token) > MaxLength || strings.ContainsAny(token, "\r\n=") {
		return nil, false
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(token); err != nil {
		return nil, false
	}
	return []byte(token + strings.Repeat("=", -len(token)&3)), true
}
