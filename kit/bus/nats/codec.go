package nats

import (
	"strings"

	watermillnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// codec is watermill's, with calls made NATS requests: then the server says so
// at once when nobody subscribes to a call. It says it on a subject that names
// the call, below the topic of the answers.
type codec struct{ watermillnats.NATSMarshaler }

func (c codec) Marshal(topic string, m *message.Message) (*nats.Msg, error) {
	if strings.HasPrefix(topic, bus.ReplyPrefix) {
		topic += "." + m.Metadata[bus.MetadataCall]
	}
	out, err := c.NATSMarshaler.Marshal(topic, m)
	if err != nil {
		return nil, fault.Internal.Wrap(err, "encode a message on %s", topic)
	}
	if reply := m.Metadata[bus.MetadataReply]; reply != "" {
		out.Reply = reply + "." + m.UUID
	}
	return out, nil
}

// subject maps a topic to what is subscribed to.
func subject(topic string) string {
	if strings.HasPrefix(topic, bus.ReplyPrefix) {
		return topic + ".*"
	}
	return topic
}

// decode returns m as watermill has it. What is no message of watermill's has
// its payload at least.
func decode(m *nats.Msg) *message.Message {
	if m.Header.Get("Status") == "503" {
		call := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
		return bus.Unserved(call, m.Header.Get("Nats-Subject"))
	}
	out, err := (&watermillnats.NATSMarshaler{}).Unmarshal(m)
	if err != nil {
		return message.NewMessage("", m.Data)
	}
	return out
}

var _ watermillnats.Marshaler = codec{}
