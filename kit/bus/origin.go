package bus

import (
	"context"
	"encoding/json"

	"github.com/ThreeDotsLabs/watermill/message"
)

// An origin is the log of one database. Whoever has that database answers
// fetches from its log, and says so when somebody asks who is there.
const (
	originsTopic = "bus.origins"
	metadataFrom = "bus-from" // the process that rings
)

// fetchBytes keeps an answer below MaxMessage.
const fetchBytes = MaxMessage * 3 / 4

type fetchRequest struct {
	After  int64    `json:"after"`
	Topics []string `json:"topics"`
}

// fetched is the next part of a log. Events is empty only when there is nothing
// for the topics between After and Head.
type fetched struct {
	Head   int64    `json:"head"`
	Pruned int64    `json:"pruned"`
	Events []logged `json:"events"`
}

// A logged event is one as its listeners get it.
type logged struct {
	ID       string            `json:"id"`
	Position int64             `json:"position"`
	Topic    string            `json:"topic"`
	Body     json.RawMessage   `json:"body"`
	Baggage  map[string]string `json:"baggage,omitempty"`
}

type fetching Method[fetchRequest, fetched]

const fetchMethod = fetching("bus.fetch")

// serveAll registers the answerer once the name of the log is known.
func (m fetching) serveAll(b *Bus) {
	b.whenStarted(func() {
		Method[fetchRequest, fetched](m).To(b.relay.origin).Serve(b, b.fetchOwn)
	})
}

// fetch reads the log of origin, wherever it is.
func (b *Bus) fetch(ctx context.Context, origin string, r fetchRequest) (fetched, error) {
	if origin == b.relay.origin {
		return b.fetchOwn(ctx, r)
	}
	return Method[fetchRequest, fetched](fetchMethod).To(origin).Call(ctx, b, r)
}

func (b *Bus) fetchOwn(ctx context.Context, r fetchRequest) (fetched, error) {
	h, err := readHead(ctx, b.db.Read()) // before the events: none up to it can come later
	if err != nil {
		return fetched{}, err
	}
	out := fetched{Head: h.Position, Pruned: h.Pruned}
	if h.Position <= r.After {
		return out, nil
	}
	rows, err := entriesAfter(ctx, b.db.Read(), r, workBatch)
	if err != nil {
		return fetched{}, err
	}
	total := 0
	for _, row := range rows {
		if total += len(row.Body) + len(row.Baggage) + 256; total > fetchBytes && len(out.Events) > 0 {
			break
		}
		e := logged{ID: row.ID, Position: row.Position, Topic: row.Topic, Body: json.RawMessage(row.Body)}
		_ = json.Unmarshal([]byte(row.Baggage), &e.Baggage) // we wrote it
		out.Events = append(out.Events, e)
	}
	return out, nil
}

// askOrigins asks every process which log it has, and tells ours.
func (b *Bus) askOrigins() {
	for _, origin := range []string{"", b.relay.origin} {
		b.tellOrigin(origin)
	}
}

func (b *Bus) tellOrigin(origin string) {
	m := message.NewMessage(newID(), nil)
	m.Metadata[metadataOrigin] = origin
	m.Metadata[metadataFrom] = b.config.Name
	if err := b.transport.Publisher.Publish(originsTopic, m); err != nil {
		b.log.Debug("bus: cannot tell which events there are", "error", err)
	}
}

func (b *Bus) hearOrigin(m *message.Message) {
	origin := m.Metadata[metadataOrigin]
	switch {
	case m.Metadata[metadataFrom] == b.config.Name:
	case origin == "":
		b.tellOrigin(b.relay.origin)
	default:
		for _, l := range b.allListeners() {
			b.worker(l, origin).bell.send()
		}
	}
}
