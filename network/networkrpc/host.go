package networkrpc

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// Calls that each host serves for itself. A view crosses compressed: that of a
// thousand ports would not fit into a message otherwise.
const (
	applyView = bus.Method[[]byte, bus.None]("network.driver.apply")
	listHost  = bus.Method[bus.None, network.Carried]("network.driver.list")
)

// Host is the network.Driver of another process, which serves it with ServeHost.
type Host struct {
	Bus  *bus.Bus
	Name string
}

// Apply implements network.Driver.
func (h Host) Apply(ctx context.Context, view network.View) error {
	packed, err := pack(view)
	if err != nil {
		return err
	}
	_, err = applyView.To(h.Name).Call(ctx, h.Bus, packed)
	return err
}

// List implements network.Driver.
func (h Host) List(ctx context.Context) (network.Carried, error) {
	return listHost.To(h.Name).Call(ctx, h.Bus, bus.None{})
}

// ServeHost lets the control plane on b reach the driver of this host by name.
func ServeHost(b *bus.Bus, name string, d network.Driver) {
	applyView.To(name).Serve(b, bus.NoResult(func(ctx context.Context, packed []byte) error {
		view, err := unpack(packed)
		if err != nil {
			return err
		}
		return d.Apply(ctx, view)
	}))
	listHost.To(name).Serve(b, noRequest(d.List))
}

func pack(view network.View) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err == nil {
		err = json.NewEncoder(w).Encode(view)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), fault.Internal.Wrap(err, "encode a view")
}

func unpack(packed []byte) (view network.View, err error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err == nil {
		err = json.NewDecoder(r).Decode(&view)
	}
	return view, fault.Invalid.Wrap(err, "decode a view")
}

var _ network.Driver = Host{}
