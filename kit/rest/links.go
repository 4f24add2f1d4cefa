package rest

import (
	"net/url"

	"github.com/nacre-cloud/nacre/kit/page"
)

// Links adds the links to other pages to a reply that holds a list under key.
type Links func(reply Response, key string, a Around) Response

// Around is the pages beside the one that is being answered.
type Around struct {
	request           *Request
	query             page.Query
	first, last, next string
}

// Next returns the path and query of the following page below the face's
// prefix, or an empty string when this is the last.
func (a Around) Next() string {
	switch {
	case a.query.Reverse && a.last != "":
		return a.link(a.last, false)
	case a.query.Reverse || a.next == "":
		return ""
	}
	return a.link(a.next, false)
}

// Previous returns the page before, or an empty string when this is the first
// or the items are not Marked.
func (a Around) Previous() string {
	switch {
	case a.query.Reverse && a.next != "":
		return a.link(a.next, true)
	case a.query.Reverse || a.query.Marker == "" || a.first == "":
		return ""
	}
	return a.link(a.first, true)
}

// First returns the request without its marker.
func (a Around) First() string { return a.link("", false) }

// Self returns the request itself.
func (a Around) Self() string {
	u := a.request.HTTP.URL
	return a.request.exchange.path + question(u.RawQuery)
}

// URL makes the public address of a path that one of the other methods returned.
func (a Around) URL(path string) string { return a.request.URL(path) }

func (a Around) link(marker string, reverse bool) string {
	values, _ := url.ParseQuery(a.request.HTTP.URL.RawQuery)
	values.Del("marker")
	values.Del("offset")
	values.Del("page_reverse")
	if marker != "" {
		values.Set("marker", marker)
	}
	if reverse {
		values.Set("page_reverse", "True")
	}
	return a.request.exchange.path + question(values.Encode())
}

func question(query string) string {
	if query == "" {
		return ""
	}
	return "?" + query
}

// NextLink adds {"servers_links": [{"rel": "next", …}]} when there is a next page.
func NextLink(reply Response, key string, a Around) Response {
	next := a.Next()
	if next == "" {
		return reply
	}
	return reply.And(key+"_links", []Link{{Rel: "next", Href: a.URL(next)}})
}

// BothLinks is NextLink with a link to the previous page too.
func BothLinks(reply Response, key string, a Around) Response {
	var links []Link
	if next := a.Next(); next != "" {
		links = append(links, Link{Rel: "next", Href: a.URL(next)})
	}
	if previous := a.Previous(); previous != "" {
		links = append(links, Link{Rel: "previous", Href: a.URL(previous)})
	}
	if links == nil {
		return reply
	}
	return reply.And(key+"_links", links)
}

// PathLinks adds "first" and, when there is one, "next" as paths without a host.
func PathLinks(reply Response, _ string, a Around) Response {
	reply = reply.And("first", a.First())
	if next := a.Next(); next != "" {
		reply = reply.And("next", next)
	}
	return reply
}

// LinksObject adds {"links": {"next": …, "self": …, "previous": …}}, null where
// there is no such page.
func LinksObject(reply Response, _ string, a Around) Response {
	type links struct {
		Next     *string `json:"next"`
		Self     string  `json:"self"`
		Previous *string `json:"previous"`
	}
	l := links{Self: a.URL(a.Self())}
	if next := a.Next(); next != "" {
		next = a.URL(next)
		l.Next = &next
	}
	if previous := a.Previous(); previous != "" {
		previous = a.URL(previous)
		l.Previous = &previous
	}
	return reply.And("links", l)
}
