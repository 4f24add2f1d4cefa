package objectapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

func (a *api) headAccount(r *rest.Request) (rest.Response, error) {
	h, err := a.sayAccount(r)
	return reply(http.StatusNoContent, h, nil), err
}

func (a *api) sayAccount(r *rest.Request) (http.Header, error) {
	p, err := project(r.Param("account"))
	if err != nil {
		return nil, err
	}
	acc, err := a.Account(r.Context(), p)
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	h.Set("X-Timestamp", timestamp(acc.CreatedAt))
	h.Set("Accept-Ranges", "bytes")
	policy := "X-Account-Storage-Policy-" + strings.ToLower(a.content.Info().Policy)
	for _, n := range []struct {
		suffix string
		value  int64
	}{{"-Container-Count", acc.Containers}, {"-Object-Count", acc.Objects}, {"-Bytes-Used", acc.Bytes}} {
		h.Set("X-Account"+n.suffix, strconv.FormatInt(n.value, 10))
		if acc.Containers > 0 {
			h.Set(policy+n.suffix, strconv.FormatInt(n.value, 10))
		}
	}
	sayMeta(h, "Account", acc.Metadata)
	return h, nil
}

func (a *api) listAccount(r *rest.Request) (rest.Response, error) {
	q, format, err := query(r)
	if err != nil {
		return rest.Response{}, err
	}
	h, err := a.sayAccount(r)
	if err != nil {
		return rest.Response{}, err
	}
	found, err := a.Containers(r.Context(), q)
	if err != nil {
		return rest.Response{}, err
	}
	l := listing{kind: "account", name: r.Param("account")}
	for _, e := range found.Entries {
		c := e.Item
		l.add(e.Name, e.Folder, containerEntry{c.Name, c.Objects, c.Bytes, listingTime(c.UpdatedAt)})
	}
	return l.reply(format, h)
}

func (a *api) postAccount(r *rest.Request) (rest.Response, error) {
	if r.Query().Has("bulk-delete") {
		return a.bulkDelete(r)
	}
	p, err := project(r.Param("account"))
	if err != nil {
		return rest.Response{}, err
	}
	err = a.UpdateAccount(r.Context(), object.AccountPatch{ProjectID: p, Metadata: patch(r.HTTP.Header, "Account")})
	return reply(http.StatusNoContent, nil, nil), err
}

func (a *api) putAccount(r *rest.Request) (rest.Response, error) {
	if kind := r.Query().String("extract-archive"); kind != "" {
		return a.extract(r, kind)
	}
	return a.postAccount(r)
}

func (a *api) deleteAccount(r *rest.Request) (rest.Response, error) {
	if r.Query().Has("bulk-delete") {
		return a.bulkDelete(r)
	}
	return rest.Response{}, errMethod(r)
}
