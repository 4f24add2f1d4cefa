package volumeapi

import (
	"maps"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

// An access reads the metadata of the thing that a request names, and replaces it
// where items is not nil.
type access func(r *rest.Request, items map[string]string) (map[string]string, error)

func (a *api) volumeMetadata(r *rest.Request, items map[string]string) (map[string]string, error) {
	id := volume.ID(r.Param("id"))
	if items == nil {
		v, err := a.volumes.Volume(r.Context(), id)
		return v.Metadata, err
	}
	v, err := a.volumes.UpdateVolume(r.Context(), volume.Patch{ID: id, Metadata: items})
	return v.Metadata, err
}

func (a *api) snapshotMetadata(r *rest.Request, items map[string]string) (map[string]string, error) {
	id := volume.SnapshotID(r.Param("id"))
	if items == nil {
		s, err := a.volumes.Snapshot(r.Context(), id)
		return s.Metadata, err
	}
	s, err := a.volumes.UpdateSnapshot(r.Context(), volume.SnapshotPatch{ID: id, Metadata: items})
	return s.Metadata, err
}

type metadataBody struct {
	Metadata map[string]string `json:"metadata" required:"true"`
}

// errNoObject is what a null gets where items are expected.
var errNoObject = fault.Invalid.Errorf("metadata must be an object")

type metaBody struct {
	Meta map[string]string `json:"meta" required:"true"`
}

func (a *api) metadata(of access) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		items, err := of(r, nil)
		return rest.ReplyUnder("metadata", items), err
	}
}

func (a *api) addMetadata(of access) func(*rest.Request, metadataBody) (rest.Response, error) {
	return func(r *rest.Request, in metadataBody) (rest.Response, error) {
		old, err := of(r, nil)
		if err != nil {
			return rest.Response{}, err
		}
		if in.Metadata == nil {
			return rest.Response{}, errNoObject
		}
		items := map[string]string{}
		maps.Copy(items, old)
		maps.Copy(items, in.Metadata)
		items, err = of(r, items)
		return rest.ReplyUnder("metadata", items), err
	}
}

func (a *api) putMetadata(of access) func(*rest.Request, metadataBody) (rest.Response, error) {
	return func(r *rest.Request, in metadataBody) (rest.Response, error) {
		if in.Metadata == nil {
			return rest.Response{}, errNoObject
		}
		items, err := of(r, in.Metadata)
		return rest.ReplyUnder("metadata", items), err
	}
}

// item returns the metadata of the request's thing, which must have its key.
func item(r *rest.Request, of access) (items map[string]string, key string, err error) {
	old, err := of(r, nil)
	if err != nil {
		return nil, "", err
	}
	key = r.Param("key")
	if _, ok := old[key]; !ok {
		return nil, "", fault.NotFound.Errorf("metadata item %.64q could not be found", key)
	}
	return maps.Clone(old), key, nil
}

func (a *api) metadataItem(of access) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		items, key, err := item(r, of)
		return rest.ReplyUnder("meta", map[string]string{key: items[key]}), err
	}
}

func (a *api) putMetadataItem(of access) func(*rest.Request, metaBody) (rest.Response, error) {
	return func(r *rest.Request, in metaBody) (rest.Response, error) {
		key := r.Param("key")
		val, ok := in.Meta[key]
		if !ok || len(in.Meta) != 1 {
			return rest.Response{}, fault.Invalid.Errorf("the body must hold the one item %.64q that the path names", key)
		}
		items, err := of(r, nil)
		if err != nil {
			return rest.Response{}, err
		}
		changed := map[string]string{}
		maps.Copy(changed, items)
		changed[key] = val
		_, err = of(r, changed)
		return rest.ReplyUnder("meta", in.Meta), err
	}
}

func (a *api) deleteMetadataItem(of access) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		items, key, err := item(r, of)
		if err != nil {
			return rest.Response{}, err
		}
		delete(items, key)
		_, err = of(r, items)
		return rest.Empty(), err
	}
}
