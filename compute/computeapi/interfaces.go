package computeapi

import (
	"errors"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

type interfaceOut struct {
	State   string    `json:"port_state"`
	IPs     []fixedIP `json:"fixed_ips"`
	Port    string    `json:"port_id"`
	Network string    `json:"net_id"`
	MAC     string    `json:"mac_addr"`
	Tag     *string   `json:"tag" since:"2.70"`
}

type fixedIP struct {
	Subnet  string `json:"subnet_id"`
	Address string `json:"ip_address"`
}

func newInterface(s *compute.Server, n compute.ServerNIC) interfaceOut {
	out := interfaceOut{State: "DOWN", Port: n.PortID, Network: n.NetworkID, MAC: n.MAC}
	if s.Status == compute.Active {
		out.State = "ACTIVE"
	}
	for _, a := range n.Addresses {
		if !a.Floating {
			out.IPs = append(out.IPs, fixedIP{a.SubnetID, a.IP})
		}
	}
	return out
}

func (a *api) listInterfaces(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	list := make([]interfaceOut, len(s.NICs))
	for i, n := range s.NICs {
		list[i] = newInterface(&s, n)
	}
	return rest.ReplyUnder("interfaceAttachments", list), err
}

func (a *api) showInterface(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	for _, n := range s.NICs {
		if n.PortID == r.Param("port") {
			return rest.ReplyUnder("interfaceAttachment", newInterface(&s, n)), nil
		}
	}
	return rest.Response{}, fault.NotFound.Errorf("server %s does not have a port with id %s", s.ID, r.Param("port"))
}

type interfaceCreate struct {
	Network  string      `json:"net_id"`
	Port     string      `json:"port_id"`
	FixedIPs []fixedIPIn `json:"fixed_ips" min:"1" max:"1"`
	Tag      *string     `json:"tag" since:"2.49"`
}

type fixedIPIn struct {
	Address string `json:"ip_address" required:"true"`
}

// createInterface takes a body or none: then the project's only network is meant.
func (a *api) createInterface(r *rest.Request) (rest.Response, error) {
	if r.HTTP.ContentLength == 0 {
		return a.attachInterface(r, interfaceCreate{})
	}
	return rest.JSONUnder("interfaceAttachment", a.attachInterface)(r)
}

func (a *api) attachInterface(r *rest.Request, in interfaceCreate) (rest.Response, error) {
	spec := compute.AttachNICSpec{ServerID: compute.ServerID(r.Param("id"))}
	spec.NetworkID, spec.PortID = in.Network, in.Port
	if in.Network != "" && in.Port != "" {
		return rest.Response{}, fault.Invalid.Errorf("interfaceAttachment: give net_id or port_id, not both")
	}
	if len(in.FixedIPs) > 0 {
		if in.Network == "" {
			return rest.Response{}, fault.Invalid.Errorf("interfaceAttachment: fixed_ips needs net_id")
		}
		spec.FixedIP = in.FixedIPs[0].Address
	}
	n, err := a.AttachNIC(r.Context(), spec)
	switch {
	case errors.Is(err, compute.ErrReference):
		// The path exists, and what the body mentions is what this call is about.
		return rest.Response{}, fault.NotFound.Errorf("%w", err)
	case err != nil:
		return rest.Response{}, err
	}
	return rest.ReplyUnder("interfaceAttachment", newInterface(&compute.Server{Status: compute.Active}, n)), nil
}

func (a *api) deleteInterface(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DetachNIC(r.Context(), compute.DetachNICSpec{
		ServerID: compute.ServerID(r.Param("id")), PortID: r.Param("port"),
	})
}
