package nats

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/bcrypt"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// ServerConfig describes a NATS server inside this process. Its zero value has
// no socket and serves this process alone.
type ServerConfig struct {
	Listen string      // host:port for other processes; port 0 takes a free one
	Token  string      // what clients must know, unless there are Users
	Users  []User      //
	TLS    *tls.Config // with a certificate; clients then must use TLS
	Logger *slog.Logger
}

// A User may connect with a password, plain or as a bcrypt hash. Subjects may
// hold the wildcards of NATS; an empty list allows all. A host that only serves
// calls to it publishes on "bus.reply.>" and subscribes to "*.*.@host" and to
// "bus.reply.name.*" with the bus.Config.Name of its process.
type User struct {
	Name      string
	Password  string
	Publish   []string
	Subscribe []string
}

// Server is a NATS server in this process, without persistence.
type Server struct {
	config ServerConfig

	inner User // this process, when others are Users

	mu     sync.Mutex
	server *server.Server
}

// NewServer returns a server. It listens at Start.
func NewServer(c ServerConfig) *Server {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Server{config: c, inner: User{Name: rand.Text(), Password: rand.Text()}}
}

// startTimeout is how long a server may take to listen.
const startTimeout = 10 * time.Second

// Start listens. A socket beyond the loopback interface without a token or
// users is fault.Invalid: whoever can connect commands the cloud.
func (s *Server) Start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	options, err := s.config.options(s.inner)
	if err != nil {
		return err
	}
	srv, err := server.NewServer(options)
	if err != nil {
		return fault.Invalid.Wrap(err, "NATS server")
	}
	srv.SetLoggerV2(logger{s.config.Logger}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) {
		srv.Shutdown()
		return fault.Unavailable.Errorf("NATS server does not listen on %s: is the port taken?", s.config.Listen)
	}
	s.server = srv
	return nil
}

func (c ServerConfig) options(inner User) (*server.Options, error) {
	o := &server.Options{
		DontListen: c.Listen == "", NoSigs: true,
		MaxPayload: bus.MaxMessage, WriteDeadline: 10 * time.Second,
		Authorization: c.Token, TLSConfig: c.TLS, TLS: c.TLS != nil,
	}
	if c.TLS != nil {
		o.TLSTimeout = 5
	}
	if len(c.Users) > 0 {
		hash, err := bcrypt.GenerateFromPassword([]byte(inner.Password), bcrypt.MinCost)
		if err != nil {
			return nil, fault.Internal.Wrap(err, "NATS server")
		}
		inner.Password = string(hash) // of a random password, so that only the others' can be plain
		for _, u := range append(slices.Clone(c.Users), inner) {
			o.Users = append(o.Users, u.server())
		}
	}
	if c.Token != "" && len(c.Users) > 0 {
		return nil, fault.Invalid.Errorf("NATS server: give a token or users, not both")
	}
	if o.DontListen {
		return o, nil
	}
	address, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return nil, fault.Invalid.Wrap(err, "NATS server: listen on %q", c.Listen)
	}
	if c.Token == "" && len(c.Users) == 0 && !address.IP.IsLoopback() {
		return nil, fault.Invalid.Errorf("NATS server: refusing to listen on %s without a token or users: set one, or listen on 127.0.0.1", c.Listen)
	}
	o.Host, o.Port = address.IP.String(), address.Port
	if address.IP == nil {
		o.Host = "0.0.0.0"
	}
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	return o, nil
}

func (u User) server() *server.User {
	out := &server.User{Username: u.Name, Password: u.Password, Permissions: &server.Permissions{}}
	if len(u.Publish) > 0 {
		out.Permissions.Publish = &server.SubjectPermission{Allow: u.Publish}
	}
	if len(u.Subscribe) > 0 {
		out.Permissions.Subscribe = &server.SubjectPermission{Allow: u.Subscribe}
	}
	return out
}

// URL is where the server listens, once it is started; empty without a socket.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil || s.config.Listen == "" {
		return ""
	}
	return s.server.ClientURL()
}

// Stop disconnects everybody and waits until it is done.
func (s *Server) Stop(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
		s.server = nil
	}
	return nil
}

// inside makes a client connect without a socket.
func (s *Server) inside() ([]nats.Option, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return nil, fault.Unavailable.Errorf("the NATS server of this process is not started")
	}
	options := []nats.Option{nats.InProcessServer(s)}
	switch {
	case s.config.Token != "":
		options = append(options, nats.Token(s.config.Token))
	case len(s.config.Users) > 0:
		options = append(options, nats.UserInfo(s.inner.Name, s.inner.Password))
	}
	return options, nil
}

// InProcessConn connects to the server as it is now, so that a client survives
// a restart of the server.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return nil, fault.Unavailable.Errorf("the NATS server of this process is not started")
	}
	conn, err := s.server.InProcessConn()
	return conn, fault.Unavailable.Wrap(err, "connect within the process")
}

// logger hands the server's log to ours. Its notices are about its own life.
type logger struct{ to *slog.Logger }

func (l logger) Noticef(format string, v ...any) {
	l.to.Debug("nats server: " + fmt.Sprintf(format, v...))
}

func (l logger) Warnf(format string, v ...any) {
	l.to.Warn("nats server: " + fmt.Sprintf(format, v...))
}

func (l logger) Errorf(format string, v ...any) {
	l.to.Error("nats server: " + fmt.Sprintf(format, v...))
}

func (l logger) Fatalf(format string, v ...any) {
	l.to.Error("nats server: " + fmt.Sprintf(format, v...))
}
func (l logger) Debugf(string, ...any) {}
func (l logger) Tracef(string, ...any) {}

var (
	_ server.Logger              = logger{}
	_ nats.InProcessConnProvider = (*Server)(nil)
)
