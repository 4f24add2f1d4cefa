package image

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// ticketLife is how long after it was given a ticket may be shown. Bytes that
// flow by then flow on.
const ticketLife = time.Minute

// A seal makes tickets that only this process, in this life, takes for its own:
// its key is made at random when it starts and never leaves it.
type seal struct {
	key [32]byte
	url atomic.Pointer[func() string] // of the face that takes tickets
}

// stub is what a ticket says, under the seal.
type stub struct {
	TicketSpec
	Expires int64 // Unix seconds
}

// ServedAt says at which URL this process serves bytes. The function is asked
// for each ticket; Config.URL goes before it.
func (m *Manager) ServedAt(url func() string) { m.seal.url.Store(&url) }

func (m *Manager) url() (string, error) {
	if m.config.URL != "" {
		return m.config.URL, nil
	}
	if f := m.seal.url.Load(); f != nil {
		return (*f)(), nil
	}
	return "", fault.Unavailable.Errorf("image: this process serves no bytes; list imageapi.Bytes or set image.Config.URL")
}

// Ticket lets whoever holds it read or upload one image for a short time, if the
// caller may. It is for a process without a store, which asks over the bus and
// shows it to the HTTP face of this process: bytes never cross the bus.
func (m *Manager) Ticket(ctx context.Context, s TicketSpec) (Ticket, error) {
	var i Image
	var err error
	if s.Upload {
		i, err = allowed(ctx, m.db.Read(), s.ID, "image:upload")
	} else {
		i, err = m.readable(ctx, s.ID)
	}
	if err != nil {
		return Ticket{}, err
	}
	url, err := m.url()
	if err != nil {
		return Ticket{}, err
	}
	expires := time.Now().Add(ticketLife)
	text, err := json.Marshal(stub{s, expires.Unix()})
	if err != nil {
		return Ticket{}, fault.Internal.Wrap(err, "ticket for image %s", s.ID)
	}
	return Ticket{URL: url, Token: m.seal.sign(text), Expires: expires, Image: i}, nil
}

// Redeem returns what a ticket is for. One that this process did not give, or
// that is too old, is fault.Unauthenticated.
func (m *Manager) Redeem(token string) (TicketSpec, error) {
	text, ok := m.seal.open(token)
	var s stub
	if !ok || json.Unmarshal(text, &s) != nil || time.Now().Unix() > s.Expires {
		return TicketSpec{}, fault.Unauthenticated.Errorf("the ticket is not valid here, or no longer: ask for another")
	}
	return s.TicketSpec, nil
}

func (s *seal) mac(text []byte) []byte {
	h := hmac.New(sha256.New, s.key[:])
	h.Write(text)
	return h.Sum(nil)
}

func (s *seal) sign(text []byte) string {
	e := base64.RawURLEncoding
	return e.EncodeToString(text) + "." + e.EncodeToString(s.mac(text))
}

func (s *seal) open(token string) ([]byte, bool) {
	body, mac, _ := strings.Cut(token, ".")
	e := base64.RawURLEncoding
	text, err := e.DecodeString(body)
	if err != nil {
		return nil, false
	}
	given, err := e.DecodeString(mac)
	return text, err == nil && hmac.Equal(given, s.mac(text))
}
