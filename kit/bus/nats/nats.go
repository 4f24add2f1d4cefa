// Package nats carries the bus over core NATS.
//
// A Client connects a process to a NATS server: one elsewhere by URL, or one
// that runs in the same process (Server) without a socket. Core NATS keeps no
// messages, and the bus needs none kept: its log is in the databases.
package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	watermillnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Config says how to reach a server. Give a URL or a Server.
type Config struct {
	URL      string      // nats://host:4222, or several, separated by commas
	Server   *Server     // a server in this process
	User     string      // with Password
	Password string      //
	Token    string      // instead of User
	TLS      *tls.Config // for a server that asks for more than the system's roots
	Logger   *slog.Logger
}

// Client is a connection that restores itself. It is safe for concurrent use.
type Client struct {
	config Config

	mu        sync.RWMutex
	conn      *nats.Conn
	publisher message.Publisher
	broadcast *subscriber
	queue     *subscriber
}

// New returns a client. It connects at Start.
func New(c Config) *Client {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Client{config: c}
}

// Start connects. A server that does not answer yet is no error: the client
// goes on trying. One that refuses the credentials is fault.Unauthenticated.
func (c *Client) Start(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		return fault.Conflict.Errorf("the NATS client was started before")
	}
	url, options, err := c.config.options()
	if err != nil {
		return err
	}
	conn, err := nats.Connect(url, options...)
	if err != nil {
		return fault.Invalid.Wrap(err, "connect to NATS")
	}
	if last := conn.LastError(); !conn.IsConnected() && errors.Is(last, nats.ErrAuthorization) {
		conn.Close()
		return fault.Unauthenticated.Wrap(last, "connect to NATS")
	}
	if err := c.wire(conn); err != nil {
		conn.Close()
		return err
	}
	return nil
}

func (c Config) options() (string, []nats.Option, error) {
	options := []nats.Option{
		nats.Name("nacre"), nats.Timeout(2 * time.Second), nats.DrainTimeout(5 * time.Second),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(200 * time.Millisecond), nats.ReconnectJitter(200*time.Millisecond, time.Second),
		nats.ReconnectBufSize(-1), // a call must fail now, not be carried out late
		nats.PingInterval(20 * time.Second), nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.Logger.Warn("nats: disconnected", "error", err)
			}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) { c.Logger.Info("nats: connected", "server", conn.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			subject := ""
			if s != nil {
				subject = s.Subject
			}
			c.Logger.Warn("nats: asynchronous error", "subject", subject, "error", err)
		}),
	}
	if c.TLS != nil {
		options = append(options, nats.Secure(c.TLS))
	}
	switch {
	case c.User != "":
		options = append(options, nats.UserInfo(c.User, c.Password))
	case c.Token != "":
		options = append(options, nats.Token(c.Token))
	}
	if c.Server == nil {
		if c.URL == "" {
			return "", nil, fault.Invalid.Errorf("nats: neither a URL nor a server is given")
		}
		return c.URL, options, nil
	}
	inside, err := c.Server.inside()
	return "", append(options, inside...), err
}

// wire puts watermill's ends on one connection.
func (c *Client) wire(conn *nats.Conn) (err error) {
	c.publisher, err = watermillnats.NewPublisherWithNatsConn(conn, watermillnats.PublisherPublishConfig{
		Marshaler: codec{}, SubjectCalculator: watermillnats.DefaultSubjectCalculator, JetStream: watermillnats.JetStreamConfig{Disabled: true},
	}, watermill.NopLogger{})
	c.broadcast, c.queue, c.conn = newSubscriber(conn, ""), newSubscriber(conn, "nacre"), conn
	return fault.Internal.Wrap(err, "prepare to publish")
}

// Stop sends what was published, ends every subscription, then the connection.
func (c *Client) Stop(context.Context) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.conn == nil || c.conn.IsClosed() {
		return nil
	}
	if c.conn.IsConnected() {
		_ = c.conn.FlushTimeout(flushTimeout) // what is not sent now is a lost message
	}
	err := errors.Join(c.broadcast.Close(), c.queue.Close())
	c.conn.Close()
	return err
}

// Transport returns the client as the bus uses it, before or after Start.
// Closing the transport is stopping the client.
func (c *Client) Transport() bus.Transport {
	return bus.Transport{
		Publisher: end{c},
		Broadcast: end{c},
		Queue:     queueEnd{end{c}},
	}
}

// An end is a Publisher and a Subscriber that may be made before the connection.
type end struct{ client *Client }

func (e end) Publish(topic string, messages ...*message.Message) error {
	e.client.mu.RLock()
	p := e.client.publisher
	e.client.mu.RUnlock()
	if p == nil {
		return errNotStarted
	}
	err := p.Publish(topic, messages...)
	if errors.Is(err, nats.ErrMaxPayload) {
		return bus.ErrTooLarge.Errorf("publish on %s: %w: raise max_payload of the NATS server to 1 MiB or more", topic, err)
	}
	return fault.Unavailable.Wrap(err, "publish on %s", topic)
}

func (e end) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	e.client.mu.RLock()
	s := e.client.broadcast
	e.client.mu.RUnlock()
	return subscribe(ctx, s, topic)
}

func (e end) Close() error { return e.client.Stop(context.Background()) }

type queueEnd struct{ end }

func (e queueEnd) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	e.client.mu.RLock()
	s := e.client.queue
	e.client.mu.RUnlock()
	return subscribe(ctx, s, topic)
}

var errNotStarted = fault.Unavailable.Errorf("the NATS client is not started")

func subscribe(ctx context.Context, s *subscriber, topic string) (<-chan *message.Message, error) {
	if s == nil {
		return nil, errNotStarted
	}
	return s.Subscribe(ctx, topic)
}

var (
	_ message.Publisher  = end{}
	_ message.Subscriber = end{}
	_ message.Subscriber = queueEnd{}
)
