package token

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// layout is the first byte of every payload. Tokens of another layout are not valid.
const layout = 1

// Scopes and extras a payload may hold, as bits of its second byte.
const (
	hasProject = 1 << iota
	hasDomain
	hasSystem
	hasCredential
	hasParent
)

// Words that are one bit of a byte in a payload; others are written out. The
// order is part of the layout.
var (
	knownMethods = []string{"password", "token", "application_credential", "totp"}
	knownRoles   = []string{"admin", "manager", "member", "reader", "service", "ResellerAdmin"}
)

// How an id is written: common ones take one byte, UUIDs 17.
const (
	idText byte = iota
	idDefault
	idHex
	idUUID
)

// NewAuditID returns a random name for a token.
func NewAuditID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func encode(c Claims) ([]byte, error) {
	audit, err := auditBytes(c.AuditID)
	if err != nil {
		return nil, err
	}
	b := []byte{layout, flags(c)}
	b = append(b, audit...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.IssuedAt.UnixMicro()))
	b = binary.AppendVarint(b, c.ExpiresAt.Unix()-c.IssuedAt.Unix())
	b = appendWords(b, knownMethods, c.Methods)
	b = appendWords(b, knownRoles, c.Roles)
	b = appendText(appendID(appendID(b, c.UserID), c.UserDomainID), c.UserName)
	if c.ProjectID != "" {
		b = appendText(appendID(appendID(b, c.ProjectID), c.ProjectDomainID), c.ProjectName)
	}
	if c.DomainID != "" {
		b = appendID(b, c.DomainID)
	}
	if c.CredentialID != "" {
		b = appendID(b, c.CredentialID)
	}
	if c.ParentAuditID != "" {
		parent, err := auditBytes(c.ParentAuditID)
		if err != nil {
			return nil, err
		}
		b = append(b, parent...)
	}
	return b, nil
}

func flags(c Claims) (f byte) {
	for bit, set := range map[byte]bool{
		hasProject: c.ProjectID != "", hasDomain: c.DomainID != "", hasSystem: c.System,
		hasCredential: c.CredentialID != "", hasParent: c.ParentAuditID != "",
	} {
		if set {
			f |= bit
		}
	}
	return f
}

func decode(b []byte) (Claims, error) {
	r := reader{b: b}
	if r.byte() != layout {
		return Claims{}, errToken
	}
	f := r.byte()
	c := Claims{System: f&hasSystem != 0}
	c.AuditID = r.audit()
	issued := int64(binary.BigEndian.Uint64(r.take(8)))
	c.IssuedAt = time.UnixMicro(issued).UTC()
	c.ExpiresAt = time.Unix(c.IssuedAt.Unix()+r.varint(), 0).UTC()
	c.Methods = r.words(knownMethods)
	c.Roles = r.words(knownRoles)
	c.UserID, c.UserDomainID, c.UserName = r.id(), r.id(), r.text()
	if f&hasProject != 0 {
		c.ProjectID, c.ProjectDomainID, c.ProjectName = r.id(), r.id(), r.text()
	}
	if f&hasDomain != 0 {
		c.DomainID = r.id()
	}
	if f&hasCredential != 0 {
		c.CredentialID = r.id()
	}
	if f&hasParent != 0 {
		c.ParentAuditID = r.audit()
	}
	if r.bad || len(r.b) > 0 || c.UserID == "" {
		return Claims{}, errToken
	}
	return c, nil
}

func auditBytes(id string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) != 16 {
		return nil, fault.Internal.Errorf("audit id %q is not one of ours", id)
	}
	return b, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendID(b []byte, id string) []byte {
	if id == "default" {
		return append(b, idDefault)
	}
	if raw, err := hex.DecodeString(id); err == nil && len(raw) == 16 && hex.EncodeToString(raw) == id {
		return append(append(b, idHex), raw...)
	}
	if raw, ok := parseUUID(id); ok {
		return append(append(b, idUUID), raw...)
	}
	return appendText(append(b, idText), id)
}

// appendWords writes the known words as bits and the others in full.
func appendWords(b []byte, known, words []string) []byte {
	var bits byte
	var others []string
	for _, w := range words {
		if i := slices.Index(known, w); i >= 0 {
			bits |= 1 << i
		} else {
			others = append(others, w)
		}
	}
	if len(others) > 0 {
		bits |= 0x80
	}
	b = append(b, bits)
	if len(others) > 0 {
		b = binary.AppendUvarint(b, uint64(len(others)))
	}
	for _, w := range others {
		b = appendText(b, w)
	}
	return b
}

func parseUUID(s string) ([]byte, bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return nil, false
	}
	raw, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	return raw, err == nil && formatUUID(raw) == s
}

func formatUUID(raw []byte) string {
	h := hex.EncodeToString(raw)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// reader takes a payload apart. After bytes are missing it is bad and answers zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, min(max(n, 0), 16))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) uvarint() int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > MaxLength {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *reader) text() string { return string(r.take(r.uvarint())) }

func (r *reader) audit() string { return base64.RawURLEncoding.EncodeToString(r.take(16)) }

func (r *reader) id() string {
	switch r.byte() {
	case idDefault:
		return "default"
	case idHex:
		return hex.EncodeToString(r.take(16))
	case idUUID:
		return formatUUID(r.take(16))
	default:
		return r.text()
	}
}

func (r *reader) words(known []string) []string {
	var words []string
	bits := r.byte()
	for i, w := range known {
		if bits&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	if bits&0x80 != 0 {
		for range r.uvarint() {
			if r.bad {
				break
			}
			words = append(words, r.text())
		}
	}
	return words
}
