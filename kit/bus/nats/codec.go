package nats

import (
	"strings"

	wnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/nacre-cloud/nacre/kit/bus"
)

// codec is watermill's, with calls made NATS requests: then the server says so
// at once when nobody subscribes to a call. It says it on a subject that names
// the call, below the topic of the answers.
type codec struct{ wnats.NATSMarshaler }

// statusHeader is 503 in what the server sends instead of an answer.
const statusHeader = "Status"

func (c codec) Marshal(topic string, m *message.Message) (*nats.Msg, error) {
	if strings.HasPrefix(topic, bus.ReplyPrefix) {
		topic += "." + m.Metadata[bus.MetadataCall]
	}
	out, err := c.NATSMarshaler.Marshal(topic, m)
	if reply := m.Metadata[bus.MetadataReply]; err == nil && reply != "" {
		out.Reply = reply + "." + m.UUID
	}
	return out, err
}

func (c codec) Unmarshal(m *nats.Msg) (*message.Message, error) {
	m.Reply = "" // or watermill would send an acknowledgement there
	if m.Header.Get(statusHeader) == "503" {
		call := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
		return bus.Unserved(call, m.Header.Get("Nats-Subject")), nil
	}
	return c.NATSMarshaler.Unmarshal(m)
}

// subject maps a topic to what is subscribed to.
func subject(queue, topic string) *wnats.SubjectDetail {
	if strings.HasPrefix(topic, bus.ReplyPrefix) {
		topic += ".*"
	}
	return &wnats.SubjectDetail{Primary: topic, QueueGroup: queue}
}

var _ wnats.MarshalerUnmarshaler = codec{}
