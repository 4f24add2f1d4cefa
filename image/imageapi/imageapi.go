// Package imageapi is the HTTP face of image.Service and image.Content: the Image
// API v2 (Glance).
//
// New is what clients know. NewBytes is a second, private face, by which other
// processes of the cloud move bytes with a ticket, see package imagerpc.
//
// There are no import methods and no tasks, and the documents that list them say
// so: images are uploaded. Where bytes are kept is not told (no locations).
package imageapi

import (
	"fmt"
	"net/http"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// newest is the minor version of the API that is served: 2.15.
const newest = 15

// New returns the face of the images of s, whose bytes are in c.
func New(s image.Service, c image.Content) rest.Face {
	a := &api{Service: s, content: c}
	return rest.Face{
		Name:     "image",
		Prefix:   "/image",
		Services: []rest.Service{{Type: "image", Name: "glance"}},
		Dialect:  dialect.HTML,
		Statuses: map[error]int{fault.Exhausted: http.StatusRequestEntityTooLarge},
		Documents: []rest.Document{
			{Path: "/", Status: http.StatusMultipleChoices, Body: versions()},
			{Path: "/versions", Body: versions()},
		},
		Routes: join(a.imageRoutes(), a.fileRoutes(), a.memberRoutes(), a.infoRoutes(), schemaRoutes()),
	}
}

type api struct {
	image.Service
	content image.Content
}

func join(groups ...[]rest.Route) (all []rest.Route) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// object is a body whose members no struct knows: an image's own properties
// stand beside those of the API.
type object = map[string]any

func versions() object {
	list := make([]object, 0, newest+1)
	status := "CURRENT"
	for minor := newest; minor >= 0; minor-- {
		list = append(list, object{
			"id": fmt.Sprintf("v2.%d", minor), "status": status,
			"links": []rest.Link{{Rel: "self", Href: "{base}/v2/"}},
		})
		status = "SUPPORTED"
	}
	return object{"versions": list}
}

func (a *api) imageRoutes() []rest.Route {
	return []rest.Route{
		rest.POST("/v2/images", rest.JSON(a.create)).Status(http.StatusCreated),
		rest.GET("/v2/images", a.list),
		rest.GET("/v2/images/", nameless),
		rest.DELETE("/v2/images/", nameless),
		rest.GET("/v2/images/{id}", a.show),
		rest.PATCH("/v2/images/{id}", rest.JSON(a.patch)).Accepts(patchTypes...),
		rest.DELETE("/v2/images/{id}", a.delete),
		rest.POST("/v2/images/{id}/actions/deactivate", a.activate(false)),
		rest.POST("/v2/images/{id}/actions/reactivate", a.activate(true)),
		rest.PUT("/v2/images/{id}/tags/{tag}", a.tag),
		rest.DELETE("/v2/images/{id}/tags/{tag}", a.untag),
	}
}

// nameless answers for an image without an id, which is not the list of images.
func nameless(*rest.Request) (rest.Response, error) {
	return rest.Response{}, fault.NotFound.Errorf("the resource could not be found: the image's id is missing")
}

func id(r *rest.Request) image.ID { return image.ID(r.Param("id")) }
