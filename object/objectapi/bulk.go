package objectapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

const (
	maxBulk     = 1000    // names in one request
	maxBulkBody = 4 << 20 // bytes
)

// bulk is what became of many deletions or files.
type bulk struct {
	Created  int         `json:"Number Files Created"`
	Deleted  int         `json:"Number Deleted"`
	NotFound int         `json:"Number Not Found"`
	Status   string      `json:"Response Status"`
	Body     string      `json:"Response Body"`
	Errors   [][2]string `json:"Errors"`
}

// bulkDelete deletes the objects and containers that the body names, one a line.
func (a *api) bulkDelete(r *rest.Request) (rest.Response, error) {
	p, err := project(r.Param("account"))
	if err != nil {
		return rest.Response{}, err
	}
	if _, err := a.Account(r.Context(), p); err != nil {
		return rest.Response{}, err
	}
	names, err := namesToDelete(r.Body)
	if err != nil {
		return rest.Response{}, err
	}
	out := bulk{Status: "200 OK"}
	for _, name := range names {
		out.delete(name, func(path string) error {
			container, name, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
			id := object.ObjectID{ProjectID: p, Container: object.Name(container), Object: object.Name(name)}
			if name == "" {
				return a.DeleteContainer(r.Context(), id.Parent())
			}
			return a.DeleteObject(r.Context(), object.DeleteSpec{ObjectID: id})
		})
	}
	return out.reply(r)
}

// namesToDelete reads all names before the first is deleted: a name that was cut
// on its way may be that of something else.
func namesToDelete(body io.Reader) ([]string, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxBulkBody+1))
	if err != nil {
		return nil, fault.Invalid.Errorf("read the names to delete: %w", err)
	}
	if len(text) > maxBulkBody {
		return nil, object.ErrTooLarge.Errorf("the names to delete are above the limit of %d bytes", maxBulkBody)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			names = append(names, line)
		}
	}
	if len(names) > maxBulk {
		return nil, object.ErrTooLarge.Errorf("maximum bulk deletes: %d per request", maxBulk)
	}
	return names, nil
}

func (b *bulk) delete(line string, remove func(string) error) {
	path, err := url.PathUnescape(line)
	if err == nil {
		err = remove(path)
	}
	switch {
	case err == nil:
		b.Deleted++
	case errors.Is(err, fault.NotFound):
		b.NotFound++
	default:
		b.failed(line, err)
	}
}

func (b *bulk) failed(name string, err error) {
	status := fault.Of(err).Status()
	b.Errors = append(b.Errors, [2]string{name, fmt.Sprintf("%d %s", status, http.StatusText(status))})
	b.Status = "400 Bad Request"
}

func (b *bulk) reply(r *rest.Request) (rest.Response, error) {
	if chosen("", r.Header("Accept")) == inJSON {
		if b.Errors == nil {
			b.Errors = [][2]string{}
		}
		body, err := json.Marshal(b)
		return reply(http.StatusOK, http.Header{"Content-Type": {string(inJSON)}}, body), fault.Internal.Wrap(err, "encode")
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Number Files Created: %d\nNumber Deleted: %d\nNumber Not Found: %d\nResponse Body: %s\nResponse Status: %s\nErrors:\n", b.Created, b.Deleted, b.NotFound, b.Body, b.Status)
	for _, e := range b.Errors {
		fmt.Fprintf(&text, "%s, %s\n", e[0], e[1])
	}
	return reply(http.StatusOK, http.Header{"Content-Type": {"text/plain"}}, []byte(text.String())), nil
}
