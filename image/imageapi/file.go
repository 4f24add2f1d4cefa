package imageapi

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

func (a *api) fileRoutes() []rest.Route {
	return []rest.Route{
		rest.PUT("/v2/images/{id}/file", a.upload).Stream(),
		rest.GET("/v2/images/{id}/file", a.download),
	}
}

func (a *api) upload(r *rest.Request) (rest.Response, error) {
	if kind := r.Header("Content-Type"); kind != octets {
		return rest.Response{}, rest.WithStatus(http.StatusUnsupportedMediaType,
			fault.Invalid.Errorf("content type %.40q is not supported; send %s", kind, octets))
	}
	if store := r.Header(storeHeader); store != "" {
		if _, err := a.UpdateImage(r.Context(), image.Patch{ID: id(r), Store: &store}); err != nil {
			return rest.Response{}, err
		}
	}
	_, err := a.receive(r, id(r))
	return rest.Empty(), err
}

const octets = "application/octet-stream"

// wasted is how much of a refused upload is read all the same, in bytes: many
// clients look at the answer only after they have sent everything.
const wasted = 64 << 20

func (a *api) receive(r *rest.Request, id image.ID) (image.Image, error) {
	i, err := a.content.Upload(r.Context(), id, r.Body)
	if err != nil {
		_, _ = io.CopyN(io.Discard, r.Body, wasted)
	}
	return i, err
}

func (a *api) download(r *rest.Request) (rest.Response, error) { return a.send(r, id(r)) }

func (a *api) send(r *rest.Request, id image.ID) (rest.Response, error) {
	i, err := a.Image(r.Context(), id)
	if err != nil {
		return rest.Response{}, err
	}
	if i.Blob == "" {
		return rest.Empty(), nil
	}
	part, partial, err := parseRange(r.Header("Range"), i.SizeBytes)
	if err != nil {
		return rest.Response{}, err
	}
	in, _, err := a.content.Open(r.Context(), id, part)
	if err != nil {
		return rest.Response{}, err
	}
	if !partial {
		return rest.Copy(octets, i.SizeBytes, in).Header("Accept-Ranges", "bytes").Header("Content-MD5", i.MD5), nil
	}
	return rest.Copy(octets, part.Length, in).Status(http.StatusPartialContent).Header("Accept-Ranges", "bytes").
		Header("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.Offset, part.Offset+part.Length-1, i.SizeBytes)), nil
}

// parseRange reads a Range header about size bytes. Without one, or with several
// ranges, which a server may ignore, all bytes are asked for.
func parseRange(header string, size int64) (part image.Range, partial bool, err error) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return image.Range{}, false, nil
	}
	first, last, ok := strings.Cut(strings.TrimSpace(spec), "-")
	from, fromErr := strconv.ParseInt(first, 10, 64)
	to, toErr := strconv.ParseInt(last, 10, 64)
	switch {
	case ok && first == "" && toErr == nil: // the last so many
		from, to = max(0, size-to), size-1
	case ok && last == "" && fromErr == nil:
		to = size - 1
	case !ok || fromErr != nil || toErr != nil || to < from:
		return image.Range{}, false, nil // malformed: as if it were not there
	}
	to = min(to, size-1)
	if from > to || from < 0 {
		return image.Range{}, false, rest.WithStatus(http.StatusRequestedRangeNotSatisfiable,
			fault.Invalid.Errorf("the range %.40q is outside of the image, which has %d bytes", header, size))
	}
	return image.Range{Offset: from, Length: to - from + 1}, true, nil
}
