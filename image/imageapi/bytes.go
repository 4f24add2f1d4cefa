package imageapi

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// BytesPath is where, below a server's URL, tickets are taken.
const BytesPath = "/image-bytes/ticket"

// NewBytes returns the face by which other processes of the cloud move bytes with
// a ticket that m gave them. It is in no catalog.
func NewBytes(m *image.Manager) rest.Face {
	b := &carrier{api{Service: m, content: m}, m}
	return rest.Face{
		Name:    "image-bytes",
		Prefix:  "/image-bytes",
		Dialect: tell,
		Routes: []rest.Route{
			rest.GET("/ticket", b.fetch).Public(),
			rest.PUT("/ticket", b.store).Public().Stream(),
		},
	}
}

type carrier struct {
	api
	manager *image.Manager
}

// redeem returns the image that a request's ticket is for. The ticket was given to
// somebody who may, so from here on the process acts for itself.
func (b *carrier) redeem(r *rest.Request, upload bool) (image.ID, error) {
	token, _ := strings.CutPrefix(r.Header("Authorization"), "Bearer ")
	t, err := b.manager.Redeem(token)
	if err == nil && t.Upload != upload {
		err = fault.Forbidden.Errorf("the ticket is for something else")
	}
	r.HTTP = r.HTTP.WithContext(identity.With(r.Context(), identity.System("image.ticket")))
	return t.ID, err
}

func (b *carrier) fetch(r *rest.Request) (rest.Response, error) {
	id, err := b.redeem(r, false)
	if err != nil {
		return rest.Response{}, err
	}
	return b.send(r, id)
}

func (b *carrier) store(r *rest.Request) (rest.Response, error) {
	id, err := b.redeem(r, true)
	if err != nil {
		return rest.Response{}, err
	}
	i, err := b.receive(r, id)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Raw(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(i)
	}), nil
}

// tell writes an error so that imagerpc makes the same error of it.
func tell(h http.Header, p dialect.Problem) []byte {
	h.Set("Content-Type", "application/json")
	text, err := json.Marshal(map[string]string{"kind": string(p.Reason.Kind), "reason": p.Reason.Name, "message": p.Message})
	if err != nil {
		return []byte(`{}`)
	}
	return text
}

var _ dialect.Dialect = tell
