package rest

import (
	"net/http"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// Microversions is how a face negotiates its version, as data.
type Microversions struct {
	Min, Max string // "2.1", "2.93"; a request that asks for nothing gets Min
	// Service makes the face read and write "OpenStack-API-Version: compute 2.47".
	Service string
	// Header, or an empty string, is the header whose whole value is the
	// version: X-OpenStack-Nova-API-Version. The one above wins over it.
	Header string
	// MinHeader and MaxHeader, or empty strings, tell the range on every reply.
	MinHeader, MaxHeader string
}

const versionHeader = "Openstack-Api-Version"

// versions is a Microversions that is ready to use.
type versions struct {
	Microversions
	min, max Version
	vary     string
}

func (m *Microversions) parse() (*versions, error) {
	if m == nil {
		return nil, nil
	}
	v := &versions{Microversions: *m}
	r, err := microversion.ParseRange(m.Min, m.Max)
	if err != nil {
		return nil, err
	}
	v.min, v.max = r.Since, r.Until
	var vary []string
	if m.Service != "" {
		vary = append(vary, "OpenStack-API-Version")
	}
	if m.Header != "" {
		vary = append(vary, m.Header)
	}
	v.vary = strings.Join(vary, ", ")
	return v, nil
}

// negotiate chooses the version of a request and tells it in the reply's
// headers. What is malformed is 400, what is out of range 406.
func (v *versions) negotiate(in, out http.Header) (Version, error) {
	if v == nil {
		return Version{}, nil
	}
	chosen, err := v.choose(v.wanted(in))
	v.tell(out, chosen)
	return chosen, err
}

func (v *versions) choose(wanted string) (Version, error) {
	switch wanted {
	case "":
		return v.min, nil
	case "latest":
		return v.max, nil
	}
	chosen, err := microversion.Parse(wanted)
	if err != nil {
		return v.min, err
	}
	if chosen.Compare(v.min) < 0 || chosen.Compare(v.max) > 0 {
		return v.min, WithStatus(http.StatusNotAcceptable, fault.Invalid.Errorf(
			"version %s is not supported by the API: minimum is %s and maximum is %s", chosen, v.min, v.max))
	}
	return chosen, nil
}

// wanted returns the version that the headers ask for, or an empty string. The
// shared header lists versions of several services.
func (v *versions) wanted(in http.Header) string {
	if v.Service != "" {
		for _, line := range in[versionHeader] {
			for item := range strings.SplitSeq(line, ",") {
				service, version, _ := strings.Cut(strings.TrimSpace(item), " ")
				if strings.EqualFold(service, v.Service) {
					return strings.TrimSpace(version)
				}
			}
		}
	}
	if v.Header != "" {
		return strings.TrimSpace(in.Get(v.Header))
	}
	return ""
}

func (v *versions) tell(out http.Header, chosen Version) {
	text := chosen.String()
	if v.Service != "" {
		out[versionHeader] = []string{v.Service + " " + text}
	}
	if v.Header != "" {
		out.Set(v.Header, text)
	}
	if v.MinHeader != "" {
		out.Set(v.MinHeader, v.Min)
	}
	if v.MaxHeader != "" {
		out.Set(v.MaxHeader, v.Max)
	}
	if v.vary != "" {
		out.Add("Vary", v.vary)
	}
}
