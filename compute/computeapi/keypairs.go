package computeapi

import (
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
)

type keypairBrief struct {
	Name        string `json:"name"`
	PublicKey   string `json:"public_key"`
	Fingerprint string `json:"fingerprint"`
	Type        string `json:"type" since:"2.2"`
}

type keypairShown struct {
	keypairBrief
	UserID    string     `json:"user_id"`
	ID        int64      `json:"id"`
	CreatedAt time.Time  `json:"created_at" time:"micro"`
	UpdatedAt *time.Time `json:"updated_at"`
	DeletedAt *time.Time `json:"deleted_at"`
	Deleted   bool       `json:"deleted"`
}

type keypairCreated struct {
	keypairBrief
	UserID     string `json:"user_id"`
	PrivateKey string `json:"private_key,omitempty"`
}

// A keypairItem wraps a keypair once more, as lists of them do.
type keypairItem struct {
	Keypair keypairBrief `json:"keypair"`
}

func briefKeypair(k *compute.Keypair) keypairBrief {
	return keypairBrief{Name: k.Name, PublicKey: k.PublicKey, Fingerprint: k.Fingerprint, Type: k.Type}
}

// keypairOf reads which keypair is meant. Administrators may name another's from 2.10 on.
func keypairOf(r *rest.Request) compute.KeypairID {
	id := compute.KeypairID{Name: r.Param("name")}
	if r.Since("2.10") {
		id.UserID = r.Query().String("user_id")
	}
	return id
}

var keypairPaging = rest.Paging{ZeroIsNone: true, Links: rest.NextLink, Sort: []page.Sort{{Key: "id"}}}

func (a *api) listKeypairs(r *rest.Request) (rest.Response, error) {
	asked := compute.KeypairQuery{Query: page.Query{Sort: keypairPaging.Sort}}
	q := r.Query()
	if r.Since("2.10") {
		asked.UserID = q.String("user_id")
	}
	if r.Since("2.35") {
		asked.Query = q.Page(keypairPaging)
	}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	if asked.Marker != "" {
		if _, err := a.Keypair(r.Context(), compute.KeypairID{UserID: asked.UserID, Name: asked.Marker}); err != nil {
			return rest.Response{}, badMarker(asked.Marker, err)
		}
	}
	p, err := a.Keypairs(r.Context(), asked)
	return rest.ReplyPage(r, "keypairs", transform(p, func(k *compute.Keypair, out *keypairItem) { out.Keypair = briefKeypair(k) })), err
}

type keypairCreate struct {
	Name      string  `json:"name" required:"true" min:"1" max:"255"`
	PublicKey *string `json:"public_key" min:"1"`
	Type      string  `json:"type" enum:"ssh,x509" since:"2.2"`
	UserID    string  `json:"user_id" since:"2.10"`
}

func (a *api) createKeypair(r *rest.Request, in keypairCreate) (rest.Response, error) {
	if r.Since("2.92") && in.PublicKey == nil {
		return rest.Response{}, fault.Invalid.Errorf("keypair.public_key: is required; generate the pair where you keep the private key")
	}
	if in.PublicKey != nil && strings.TrimSpace(*in.PublicKey) == "" {
		return rest.Response{}, fault.Invalid.Errorf("keypair.public_key: is empty; leave it out to have a pair generated")
	}
	k, err := a.CreateKeypair(r.Context(), compute.KeypairSpec{UserID: in.UserID, Name: in.Name, Type: in.Type, PublicKey: deref(in.PublicKey)})
	return rest.ReplyUnder("keypair", keypairCreated{briefKeypair(&k), k.UserID, k.PrivateKey}), err
}

func (a *api) showKeypair(r *rest.Request) (rest.Response, error) {
	k, err := a.Keypair(r.Context(), keypairOf(r))
	return rest.ReplyUnder("keypair", keypairShown{keypairBrief: briefKeypair(&k), UserID: k.UserID, ID: k.ID, CreatedAt: k.CreatedAt}), err
}

func (a *api) deleteKeypair(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DeleteKeypair(r.Context(), keypairOf(r))
}
