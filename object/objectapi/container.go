package objectapi

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

func (a *api) containerPatch(r *rest.Request) (object.ContainerPatch, error) {
	id, err := containerID(r)
	if err != nil {
		return object.ContainerPatch{}, err
	}
	if p := r.Header("X-Storage-Policy"); p != "" && p != a.content.Info().Policy {
		return object.ContainerPatch{}, fault.Invalid.Errorf("invalid X-Storage-Policy %.80q; there is %s", p, a.content.Info().Policy)
	}
	versions, err := versions(r.HTTP.Header)
	return object.ContainerPatch{
		ContainerID: id,
		Metadata:    patch(r.HTTP.Header, "Container"),
		ReadACL:     list(r.HTTP.Header, "Container-Read"),
		WriteACL:    list(r.HTTP.Header, "Container-Write"),
		Versions:    versions,
	}, err
}

// versions returns what a request makes of a container's versions: nil leaves it.
func versions(h http.Header) (*object.Versions, error) {
	stack, history := list(h, "Versions-Location"), list(h, "History-Location")
	given := stack
	switch {
	case stack == nil && history == nil:
		return nil, nil
	case stack != nil && history != nil && *stack != "" && *history != "":
		return nil, fault.Invalid.Errorf("only one of X-Versions-Location or X-History-Location may be specified")
	case stack == nil || *stack == "" && history != nil:
		given = history
	}
	name, err := url.PathUnescape(*given)
	if err != nil {
		return nil, fault.Invalid.Errorf("the versions location is not a quoted name")
	}
	return &object.Versions{VersionsIn: object.Name(name), KeepDeleted: given == history && name != ""}, nil
}

func (a *api) putContainer(r *rest.Request) (rest.Response, error) {
	if kind := r.Query().String("extract-archive"); kind != "" {
		return a.extract(r, kind)
	}
	p, err := a.containerPatch(r)
	if err != nil {
		return rest.Response{}, err
	}
	created, err := a.CreateContainer(r.Context(), p)
	if created {
		return reply(http.StatusCreated, nil, nil), err
	}
	return reply(http.StatusAccepted, nil, nil), err
}

func (a *api) postContainer(r *rest.Request) (rest.Response, error) {
	p, err := a.containerPatch(r)
	if err != nil {
		return rest.Response{}, err
	}
	return reply(http.StatusNoContent, nil, nil), a.UpdateContainer(r.Context(), p)
}

func (a *api) deleteContainer(r *rest.Request) (rest.Response, error) {
	id, err := containerID(r)
	if err != nil {
		return rest.Response{}, err
	}
	return reply(http.StatusNoContent, nil, nil), a.DeleteContainer(r.Context(), id)
}

func (a *api) headContainer(r *rest.Request) (rest.Response, error) {
	h, err := a.sayContainer(r)
	return reply(http.StatusNoContent, h, nil), err
}

func (a *api) sayContainer(r *rest.Request) (http.Header, error) {
	id, err := containerID(r)
	if err != nil {
		return nil, err
	}
	c, err := a.Container(r.Context(), id)
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	h.Set("X-Timestamp", timestamp(c.CreatedAt))
	h.Set("Last-Modified", httpTime(c.UpdatedAt))
	h.Set("Accept-Ranges", "bytes")
	h.Set("X-Container-Object-Count", strconv.FormatInt(c.Objects, 10))
	h.Set("X-Container-Bytes-Used", strconv.FormatInt(c.Bytes, 10))
	h.Set("X-Storage-Policy", a.content.Info().Policy)
	set(h, "X-Container-Read", c.ReadACL)
	set(h, "X-Container-Write", c.WriteACL)
	location := "X-Versions-Location"
	if c.KeepDeleted {
		location = "X-History-Location"
	}
	set(h, location, (&url.URL{Path: string(c.VersionsIn)}).EscapedPath())
	sayMeta(h, "Container", c.Metadata)
	return h, nil
}

func (a *api) listContainer(r *rest.Request) (rest.Response, error) {
	q, format, err := query(r)
	if err != nil {
		return rest.Response{}, err
	}
	h, err := a.sayContainer(r)
	if err != nil {
		return rest.Response{}, err
	}
	found, err := a.Objects(r.Context(), q)
	if err != nil {
		return rest.Response{}, err
	}
	l := listing{kind: "container", name: r.Param("container")}
	for _, e := range found.Entries {
		o := e.Item
		l.add(e.Name, e.Folder, objectEntry{o.Name, o.ETag, o.Size, o.ContentType, listingTime(modified(o))})
	}
	return l.reply(format, h)
}
