package imageapi

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// body is an image as the API shows it.
func body(i image.Image) object {
	o := make(object, len(i.Properties)+25)
	for k, v := range i.Properties {
		o[k] = v
	}
	path := "/v2/images/" + string(i.ID)
	maps.Copy(o, object{
		"id": i.ID, "name": orNull(i.Name), "status": i.Status, "visibility": i.Visibility,
		"owner": i.ProjectID, "protected": i.Protected, "os_hidden": i.Hidden,
		"disk_format": orNull(i.DiskFormat), "container_format": orNull(i.ContainerFormat),
		"min_disk": i.MinDiskGiB, "min_ram": i.MinMemoryMiB, "tags": i.Tags,
		"created_at": stamp(i.CreatedAt), "updated_at": stamp(i.UpdatedAt),
		"self": path, "file": path + "/file", "schema": "/v2/schemas/image",
		"size": nil, "virtual_size": nil, "checksum": nil, "os_hash_algo": nil, "os_hash_value": nil,
	})
	if i.Blob != "" {
		maps.Copy(o, object{
			"size": i.SizeBytes, "checksum": i.MD5, "os_hash_algo": "sha512", "os_hash_value": i.SHA512,
			"stores": i.Store,
		})
	}
	if i.VirtualBytes > 0 {
		o["virtual_size"] = i.VirtualBytes
	}
	return o
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// storeHeader names the store that a client wants bytes to go to.
const storeHeader = "X-Image-Meta-Store"

func (a *api) create(r *rest.Request, in object) (rest.Response, error) {
	if in == nil {
		return rest.Response{}, fault.Invalid.Errorf("an image is a JSON object, not null")
	}
	var c change
	for name, value := range in {
		if name == "id" {
			continue
		}
		if err := c.assign(name, value); err != nil {
			return rest.Response{}, err
		}
	}
	s := c.spec()
	s.Store = r.Header(storeHeader)
	if given, there := in["id"]; there {
		text, _ := given.(string)
		plain, err := rest.ParseUUID("id", text)
		if err != nil {
			return rest.Response{}, err
		}
		if _, err := a.Image(r.Context(), image.ID(plain)); !errors.Is(err, fault.NotFound) {
			return rest.Response{}, taken(plain, err)
		}
		s.ID = image.ID(plain)
	}
	i, err := a.CreateImage(r.Context(), s)
	if s.ID != "" && errors.Is(err, fault.NotFound) {
		err = taken(string(s.ID), nil) // by another project
	}
	if err != nil {
		return rest.Response{}, err
	}
	stores, err := a.Stores(r.Context())
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Reply(body(i)).Location(r.URL("/v2/images", string(i.ID))).
		Header("OpenStack-image-store-ids", strings.Join(stores, ",")), nil
}

func taken(id string, err error) error {
	if err != nil {
		return err
	}
	return fault.Conflict.Errorf("there is an image with the id %s already", id)
}

func (a *api) show(r *rest.Request) (rest.Response, error) {
	i, err := a.Image(r.Context(), id(r))
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Reply(body(i)), nil
}

func (a *api) delete(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DeleteImage(r.Context(), id(r))
}

func (a *api) activate(active bool) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		err := a.SetActive(r.Context(), image.ActiveSpec{ID: id(r), Active: active})
		if errors.Is(err, image.ErrState) {
			err = rest.WithStatus(http.StatusForbidden, err)
		}
		return rest.Empty(), err
	}
}

func (a *api) tag(r *rest.Request) (rest.Response, error) {
	_, err := a.UpdateImage(r.Context(), image.Patch{ID: id(r), AddTags: []string{r.Param("tag")}})
	return rest.Empty(), err
}

func (a *api) untag(r *rest.Request) (rest.Response, error) {
	tag := r.Param("tag")
	i, err := a.Image(r.Context(), id(r))
	if err == nil && !slices.Contains(i.Tags, tag) {
		err = fault.NotFound.Errorf("image %s has no tag %q", i.ID, tag)
	}
	if err != nil {
		return rest.Response{}, err
	}
	_, err = a.UpdateImage(r.Context(), image.Patch{ID: i.ID, RemoveTags: []string{tag}})
	return rest.Empty(), err
}
