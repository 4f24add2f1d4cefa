package computeapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// imageRoutes pass calls about images on to the image service.
func (a *api) imageRoutes() []rest.Route {
	const images = "/v2.1/images"
	return []rest.Route{
		rest.GET(images, a.listImages).Until(lastProxy),
		rest.GET(images+"/detail", a.detailImages).Until(lastProxy),
		rest.GET(images+"/{id}", a.showImage).Until(lastProxy),
		rest.DELETE(images+"/{id}", a.deleteImage).Until(lastProxy),
		rest.GET(images+"/{id}/metadata", a.listProperties).Until(lastProperties),
		rest.POST(images+"/{id}/metadata", rest.JSON(a.addProperties)).Until(lastProperties),
		rest.PUT(images+"/{id}/metadata", rest.JSON(a.replaceProperties)).Until(lastProperties),
		rest.GET(images+"/{id}/metadata/{key}", a.showProperty).Until(lastProperties),
		rest.PUT(images+"/{id}/metadata/{key}", rest.JSON(a.setProperty)).Until(lastProperties),
		rest.DELETE(images+"/{id}/metadata/{key}", a.deleteProperty).Until(lastProperties),
	}
}

// lastProperties is the last microversion that answers for properties of images.
const lastProperties = "2.38"

type imageBrief struct {
	ID    string       `json:"id"`
	Name  string       `json:"name"`
	Links [3]typedLink `json:"links"`
}

type typedLink struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
	Type string `json:"type,omitempty"`
}

type imageDetail struct {
	imageBrief
	Status    string            `json:"status"`
	Progress  int               `json:"progress"`
	MinDisk   int               `json:"minDisk"`
	MinMemory int               `json:"minRam"`
	Size      int64             `json:"OS-EXT-IMG-SIZE:size"`
	Metadata  map[string]string `json:"metadata"`
	Created   time.Time         `json:"created" time:"z"`
	Updated   time.Time         `json:"updated" time:"z"`
}

func briefImage(r *rest.Request) func(*image.Image, *imageBrief) {
	return func(i *image.Image, out *imageBrief) {
		*out = imageBrief{string(i.ID), i.Name, [3]typedLink{
			{Rel: "self", Href: r.URL("/v2.1/images", string(i.ID))},
			{Rel: "bookmark", Href: r.URL("/images", string(i.ID))},
			{Rel: "alternate", Href: r.URL("/images", string(i.ID)), Type: "application/vnd.openstack.image"},
		}}
	}
}

var imageStatuses = map[image.Status]string{
	image.Queued: "SAVING", image.Saving: "SAVING", image.Active: "ACTIVE", image.Deactivated: "ACTIVE", image.Deleting: "DELETED",
}

func newImage(r *rest.Request) func(*image.Image, *imageDetail) {
	brief := briefImage(r)
	return func(i *image.Image, out *imageDetail) {
		*out = imageDetail{
			Status: imageStatuses[i.Status], MinDisk: i.MinDiskGiB, MinMemory: i.MinMemoryMiB, Size: i.SizeBytes,
			Metadata: i.Properties, Created: i.CreatedAt, Updated: i.UpdatedAt,
		}
		switch out.Status {
		case "ACTIVE":
			out.Progress = 100
		case "SAVING":
			out.Progress = 25
		}
		brief(i, &out.imageBrief)
	}
}

var imagePaging = rest.Paging{ZeroIsNone: true, Links: rest.NextLink}

func (a *api) findImages(r *rest.Request) (page.Of[image.Image], error) {
	q := r.Query()
	asked := image.Query{Query: q.Page(imagePaging)}
	if name := q.String("name"); name != "" {
		asked.Names = []string{name}
	}
	status := strings.ToUpper(q.String("status"))
	since, err := moment("changes-since", q.String("changes-since"))
	if err == nil {
		err = q.Err()
	}
	if err != nil {
		return page.Of[image.Image]{}, err
	}
	switch status {
	case "":
	case "ACTIVE":
		asked.Statuses = []image.Status{image.Active}
	case "SAVING":
		asked.Statuses = []image.Status{image.Queued, image.Saving}
	default:
		return page.Of[image.Image]{}, nil
	}
	p, err := a.images.Images(r.Context(), asked)
	kept := p.Items[:0]
	for _, i := range p.Items {
		if i.UpdatedAt.Unix() >= since {
			kept = append(kept, i)
		}
	}
	p.Items = kept
	return p, err
}

func (a *api) listImages(r *rest.Request) (rest.Response, error) {
	p, err := a.findImages(r)
	return rest.ReplyPage(r, "images", transform(p, briefImage(r))), err
}

func (a *api) detailImages(r *rest.Request) (rest.Response, error) {
	p, err := a.findImages(r)
	return rest.ReplyPage(r, "images", transform(p, newImage(r))), err
}

func (a *api) image(r *rest.Request) (image.Image, error) {
	return a.images.Image(r.Context(), image.ID(r.Param("id")))
}

func (a *api) showImage(r *rest.Request) (rest.Response, error) {
	i, err := a.image(r)
	var out imageDetail
	newImage(r)(&i, &out)
	return rest.ReplyUnder("image", &out), err
}

func (a *api) deleteImage(r *rest.Request) (rest.Response, error) {
	return rest.Empty().Status(http.StatusNoContent), a.images.DeleteImage(r.Context(), image.ID(r.Param("id")))
}

func (a *api) listProperties(r *rest.Request) (rest.Response, error) {
	i, err := a.image(r)
	return rest.ReplyUnder("metadata", i.Properties), err
}

func (a *api) addProperties(r *rest.Request, in itemsIn) (rest.Response, error) {
	return a.patchProperties(r, set(in.Items))
}

// set returns a patch that sets properties.
func set(items map[string]string) map[string]*string {
	patch := make(map[string]*string, len(items))
	for key, value := range items {
		patch[key] = &value
	}
	return patch
}

func (a *api) replaceProperties(r *rest.Request, in itemsIn) (rest.Response, error) {
	i, err := a.image(r)
	if err != nil {
		return rest.Response{}, err
	}
	patch := set(in.Items)
	for key := range i.Properties {
		if _, stays := patch[key]; !stays {
			patch[key] = nil
		}
	}
	return a.patchProperties(r, patch)
}

func (a *api) showProperty(r *rest.Request) (rest.Response, error) {
	i, err := a.image(r)
	if err != nil {
		return rest.Response{}, err
	}
	key := r.Param("key")
	if err := hasProperty(i.Properties, key); err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyUnder("meta", map[string]string{key: i.Properties[key]}), nil
}

func (a *api) setProperty(r *rest.Request, in itemIn) (rest.Response, error) {
	key := r.Param("key")
	value, ok := in.Item[key]
	if !ok {
		return rest.Response{}, fault.Invalid.Errorf("meta: the key must be %s, as in the URL", key)
	}
	_, err := a.patchProperties(r, map[string]*string{key: &value})
	return rest.ReplyUnder("meta", in.Item), err
}

func (a *api) deleteProperty(r *rest.Request) (rest.Response, error) {
	i, err := a.image(r)
	if err != nil {
		return rest.Response{}, err
	}
	key := r.Param("key")
	if err := hasProperty(i.Properties, key); err != nil {
		return rest.Response{}, err
	}
	_, err = a.patchProperties(r, map[string]*string{key: nil})
	return rest.Empty(), err
}

func hasProperty(all map[string]string, key string) error {
	if _, ok := all[key]; !ok {
		return fault.NotFound.Errorf("metadata item %s was not found", key)
	}
	return nil
}

func (a *api) patchProperties(r *rest.Request, patch map[string]*string) (rest.Response, error) {
	i, err := a.images.UpdateImage(r.Context(), image.Patch{ID: image.ID(r.Param("id")), Properties: patch})
	return rest.ReplyUnder("metadata", i.Properties), err
}
