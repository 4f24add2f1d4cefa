//go:build libvirt

package libvirt

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// A link is the connection to libvirt, made again whenever it is lost, and the
// events that come over it.
type link struct {
	uri  string
	log  *slog.Logger
	lost chan struct{}

	mu       sync.Mutex
	session  *session // nil while there is no connection
	bells    map[compute.ServerID]map[chan struct{}]struct{}
	watchers map[*watcher]struct{}
}

// A session is one connection with the events it was asked for.
type session struct {
	*libvirt.Connect
	events []int
}

// end must not run on libvirt's event loop. Each event holds on to the connection.
func (s *session) end() {
	for _, event := range s.events {
		_ = s.DomainEventDeregister(event)
	}
	release(s.Connect)
}

func newLink(uri string, log *slog.Logger) *link {
	return &link{
		uri: uri, log: log, lost: make(chan struct{}, 1),
		bells:    map[compute.ServerID]map[chan struct{}]struct{}{},
		watchers: map[*watcher]struct{}{},
	}
}

// startEvents runs libvirt's event loop, which is one per process and has no end.
var startEvents = sync.OnceValue(func() error {
	if err := libvirt.EventRegisterDefaultImpl(); err != nil {
		return fault.Unavailable.Wrap(err, "libvirt events")
	}
	go func() {
		for libvirt.EventRunDefaultImpl() == nil {
		}
	}()
	return nil
})

func (l *link) connect(ctx context.Context) error {
	session, err := within(ctx, l.dial)
	if err != nil {
		return fault.Unavailable.Wrap(err, "libvirt at %s does not answer: is libvirtd running, and may this user reach it?", l.uri)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session = session
	for w := range l.watchers {
		w.lookAgain()
	}
	return nil
}

func (l *link) dial() (*session, error) {
	if err := startEvents(); err != nil {
		return nil, err
	}
	conn, err := libvirt.NewConnect(l.uri)
	if err != nil {
		return nil, fault.Unavailable.Wrap(err, "connect")
	}
	lifecycle, err1 := conn.DomainEventLifecycleRegister(nil, l.lifecycle)
	removed, err2 := conn.DomainEventDeviceRemovedRegister(nil,
		func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventDeviceRemoved) { l.ring(d) })
	s := &session{conn, []int{lifecycle, removed}}
	err = errors.Join(err1, err2, conn.SetKeepAlive(5, 3),
		conn.RegisterCloseCallback(func(*libvirt.Connect, libvirt.ConnectCloseReason) { l.drop() }))
	if err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// keep connects again after each loss, until ctx ends.
func (l *link) keep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.lost:
		}
		l.log.Warn("lost libvirt", "uri", l.uri)
		for wait := 100 * time.Millisecond; l.connect(ctx) != nil; wait = min(2*wait, 5*time.Second) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
		l.log.Info("found libvirt again", "uri", l.uri)
	}
}

// drop is called on libvirt's event loop, which must not wait for the connection to close.
func (l *link) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil {
		go l.session.end()
		l.session = nil
	}
	select {
	case l.lost <- struct{}{}:
	default:
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil {
		_ = l.session.UnregisterCloseCallback()
		l.session.end()
		l.session = nil
	}
}

// acquire lends the connection; release gives it back.
func (l *link) acquire() (*libvirt.Connect, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == nil {
		return nil, fault.Unavailable.Errorf("no connection to libvirt at %s", l.uri)
	}
	if err := l.session.Ref(); err != nil {
		return nil, faultOf(err, "using the connection to libvirt")
	}
	return l.session.Connect, nil
}

func release(c *libvirt.Connect) { _, _ = c.Close() }

// listen returns a channel that receives when something happened to a guest.
func (l *link) listen(id compute.ServerID) (bell <-chan struct{}, stop func()) {
	b := make(chan struct{}, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bells[id] == nil {
		l.bells[id] = map[chan struct{}]struct{}{}
	}
	l.bells[id][b] = struct{}{}
	return b, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if delete(l.bells[id], b); len(l.bells[id]) == 0 {
			delete(l.bells, id)
		}
	}
}

// ring tells those who listen that something happened to a guest, and returns which.
func (l *link) ring(d *libvirt.Domain) (compute.ServerID, bool) {
	id, ours := serverOf(d)
	if !ours {
		return "", false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for b := range l.bells[id] {
		select {
		case b <- struct{}{}:
		default:
		}
	}
	return id, true
}

func (l *link) lifecycle(_ *libvirt.Connect, d *libvirt.Domain, e *libvirt.DomainEventLifecycle) {
	id, ours := l.ring(d)
	power := powerAfter(e)
	if !ours || power == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.watchers {
		w.tell(compute.GuestState{ID: id, Power: power})
	}
}

// serverOf returns whose domain it is, if it is one of ours.
func serverOf(d *libvirt.Domain) (compute.ServerID, bool) {
	name, err := d.GetName()
	if err != nil {
		return "", false
	}
	id, ours := strings.CutPrefix(name, domainPrefix)
	return compute.ServerID(id), ours && valid(compute.ServerID(id))
}

// faultOf gives an error of libvirt the kind that says what to do about it.
func faultOf(err error, format string, args ...any) error {
	var e libvirt.Error
	if !errors.As(err, &e) {
		return fault.Internal.Wrap(err, format, args...)
	}
	kind := fault.Internal
	switch e.Code {
	case libvirt.ERR_NO_DOMAIN:
		kind = fault.NotFound
	case libvirt.ERR_OPERATION_INVALID:
		kind = fault.Conflict
	case libvirt.ERR_NO_SUPPORT, libvirt.ERR_CONFIG_UNSUPPORTED, libvirt.ERR_OPERATION_UNSUPPORTED:
		kind = fault.Unsupported
	case libvirt.ERR_NO_MEMORY:
		kind = fault.Exhausted
	case libvirt.ERR_RPC, libvirt.ERR_NO_CONNECT, libvirt.ERR_INVALID_CONN, libvirt.ERR_OPERATION_TIMEOUT,
		libvirt.ERR_CALL_FAILED:
		kind = fault.Unavailable
	case libvirt.ERR_SYSTEM_ERROR:
		if e.Domain == libvirt.FROM_RPC {
			kind = fault.Unavailable
		}
	}
	return kind.Wrap(errors.New(e.Message), format, args...)
}
