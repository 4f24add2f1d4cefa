package objectapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

// A format is a content type that listings come in.
type format string

const (
	text    format = "text/plain"
	inJSON  format = "application/json"
	inXML   format = "application/xml"
	timeFmt        = "2006-01-02T15:04:05.000000"
)

func listingTime(t time.Time) string { return t.UTC().Format(timeFmt) }

// query reads the parameters of a listing.
func query(r *rest.Request) (object.Query, format, error) {
	id, err := containerID(r)
	q := r.Query()
	out := object.Query{
		ContainerID: id,
		Prefix:      object.Name(q.String("prefix")),
		Delimiter:   q.String("delimiter"),
		Marker:      object.Name(q.String("marker")),
		EndMarker:   object.Name(q.String("end_marker")),
	}
	if q.Has("reverse") {
		out.Reverse = q.Bool("reverse", false)
	}
	if q.Has("path") {
		out.Delimiter, out.ItemsOnly = "/", true
		if dir := strings.TrimSuffix(q.String("path"), "/"); dir != "" {
			out.Prefix = object.Name(dir + "/")
		}
	}
	if text := q.String("limit"); text != "" {
		out.Limit = q.Int("limit", 0)
		if out.Limit == 0 {
			out.Limit = -1
		}
		if out.Limit > object.MaxListing {
			return out, "", rest.WithStatus(http.StatusPreconditionFailed, fault.Invalid.Errorf("maximum limit is %d", object.MaxListing))
		}
	}
	if err == nil {
		err = q.Err()
	}
	return out, chosen(q.String("format"), r.Header("Accept")), err
}

func chosen(parameter, accept string) format {
	switch parameter {
	case "json":
		return inJSON
	case "xml":
		return inXML
	case "":
	default:
		return text
	}
	for kind := range strings.SplitSeq(accept, ",") {
		kind, _, _ = strings.Cut(kind, ";")
		switch strings.TrimSpace(kind) {
		case "application/json":
			return inJSON
		case "application/xml", "text/xml":
			return inXML
		case "text/plain", "*/*":
			return text
		}
	}
	return text
}

type containerEntry struct {
	Name     object.Name `json:"name" xml:"name"`
	Count    int64       `json:"count" xml:"count"`
	Bytes    int64       `json:"bytes" xml:"bytes"`
	Modified string      `json:"last_modified" xml:"last_modified"`
}

type objectEntry struct {
	Name        object.Name `json:"name" xml:"name"`
	Hash        string      `json:"hash" xml:"hash"`
	Bytes       int64       `json:"bytes" xml:"bytes"`
	ContentType string      `json:"content_type" xml:"content_type"`
	Modified    string      `json:"last_modified" xml:"last_modified"`
}

type folderEntry struct {
	XMLName xml.Name    `json:"-" xml:"subdir"`
	Subdir  object.Name `json:"subdir" xml:"name,attr"`
	Name    object.Name `json:"-" xml:"name"`
}

// A listing is what is found in an account or container, to be written.
type listing struct {
	kind, name string
	entries    []any
	names      []object.Name
}

func (l *listing) add(name object.Name, folder bool, entry any) {
	if folder {
		entry = folderEntry{Subdir: name, Name: name}
	}
	l.entries, l.names = append(l.entries, entry), append(l.names, name)
}

func (l *listing) reply(f format, h http.Header) (rest.Response, error) {
	var body []byte
	var err error
	switch f {
	case inJSON:
		body, err = json.Marshal(append([]any{}, l.entries...))
	case inXML:
		body, err = l.xml()
	default:
		for _, n := range l.names {
			body = append(append(body, n...), '\n')
		}
	}
	if err != nil {
		return rest.Response{}, fault.Internal.Wrap(err, "encode the listing of %s", l.name)
	}
	h.Set("Content-Type", string(f)+"; charset=utf-8")
	if len(body) == 0 {
		return reply(http.StatusNoContent, h, nil), nil
	}
	return reply(http.StatusOK, h, body), nil
}

func (l *listing) xml() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	start := xml.StartElement{Name: xml.Name{Local: l.kind}, Attr: []xml.Attr{{Name: xml.Name{Local: "name"}, Value: l.name}}}
	item := map[string]string{"account": "container", "container": "object"}[l.kind]
	err := e.EncodeToken(start)
	for _, entry := range l.entries {
		if err != nil {
			return nil, err
		}
		if _, ok := entry.(folderEntry); ok {
			err = e.Encode(entry)
		} else {
			err = e.EncodeElement(entry, xml.StartElement{Name: xml.Name{Local: item}})
		}
	}
	if err == nil {
		err = e.EncodeToken(start.End())
	}
	if err == nil {
		err = e.Flush()
	}
	return b.Bytes(), err
}
