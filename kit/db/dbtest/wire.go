package dbtest

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// A Wire is between a test and a PostgreSQL server, and fails as networks do.
type Wire struct {
	URL string

	mu    sync.Mutex
	conns []net.Conn
	loses bool // the answer to the next commit
}

// NewWire lays a wire to the server with this URL; it goes with the test.
func NewWire(t testing.TB, server string) *Wire {
	t.Helper()
	config, err := pgconn.ParseConfig(server)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = l.Addr().String(), q.Encode()
	w := &Wire{URL: u.String()}
	var ends sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		w.Cut()
		ends.Wait()
	})
	ends.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			network, address := pgconn.NetworkAddress(config.Host, config.Port)
			far, err := net.Dial(network, address)
			if err != nil {
				t.Error(err)
				_ = near.Close()
				return
			}
			w.mu.Lock()
			w.conns = append(w.conns, near, far)
			w.mu.Unlock()
			s := &strand{wire: w}
			ends.Go(func() { carry(far, near, s.asks) })
			ends.Go(func() { carry(near, far, s.answers) })
		}
	})
	return w
}

// Cut breaks every connection that there is.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
}

// LoseAnswer lets the next commit reach the server and breaks its connection
// instead of bringing the answer back.
func (w *Wire) LoseAnswer() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loses = true
}

// A strand is one connection of a wire.
type strand struct {
	wire *Wire
	lost bool
}

func (s *strand) asks(b []byte) bool {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	if s.wire.loses && bytes.Contains(bytes.ToLower(b), []byte("commit")) {
		s.wire.loses, s.lost = false, true
	}
	return true
}

func (s *strand) answers([]byte) bool {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	return !s.lost
}

// carry copies until either end is closed, or what comes may not pass.
func carry(to, from net.Conn, passes func([]byte) bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !passes(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
