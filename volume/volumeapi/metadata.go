package volumeapi

import (
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

// An access reads the metadata of the thing that a request names where both maps are
// nil. Else it replaces all of it, or changes some of its items.
type access func(r *rest.Request, all map[string]string, some map[string]*string) (map[string]string, error)

func (a *api) volumeMetadata(r *rest.Request, all map[string]string, some map[string]*string) (map[string]string, error) {
	id := volume.ID(r.Param("id"))
	if all == nil && some == nil {
		v, err := a.volumes.Volume(r.Context(), id)
		return v.Metadata, err
	}
	v, err := a.volumes.UpdateVolume(r.Context(), volume.Patch{ID: id, Metadata: all, MetadataItems: some})
	return v.Metadata, err
}

func (a *api) snapshotMetadata(r *rest.Request, all map[string]string, some map[string]*string) (map[string]string, error) {
	id := volume.SnapshotID(r.Param("id"))
	if all == nil && some == nil {
		s, err := a.volumes.Snapshot(r.Context(), id)
		return s.Metadata, err
	}
	s, err := a.volumes.UpdateSnapshot(r.Context(), volume.SnapshotPatch{ID: id, Metadata: all, MetadataItems: some})
	return s.Metadata, err
}

// changes are those that set items.
func changes(items map[string]string) map[string]*string {
	out := make(map[string]*string, len(items))
	for key, val := range items {
		out[key] = &val
	}
	return out
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
		items, err := of(r, nil, nil)
		return rest.ReplyUnder("metadata", items), err
	}
}

func (a *api) addMetadata(of access) func(*rest.Request, metadataBody) (rest.Response, error) {
	return func(r *rest.Request, in metadataBody) (rest.Response, error) {
		if in.Metadata == nil {
			return rest.Response{}, errNoObject
		}
		items, err := of(r, nil, changes(in.Metadata))
		return rest.ReplyUnder("metadata", items), err
	}
}

func (a *api) putMetadata(of access) func(*rest.Request, metadataBody) (rest.Response, error) {
	return func(r *rest.Request, in metadataBody) (rest.Response, error) {
		if in.Metadata == nil {
			return rest.Response{}, errNoObject
		}
		items, err := of(r, in.Metadata, nil)
		return rest.ReplyUnder("metadata", items), err
	}
}

// item returns one item of the metadata of the request's thing.
func item(r *rest.Request, of access) (key, val string, err error) {
	items, err := of(r, nil, nil)
	if err != nil {
		return "", "", err
	}
	key = r.Param("key")
	val, ok := items[key]
	if !ok {
		return "", "", fault.NotFound.Errorf("metadata item %.64q could not be found", key)
	}
	return key, val, nil
}

func (a *api) metadataItem(of access) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		key, val, err := item(r, of)
		return rest.ReplyUnder("meta", map[string]string{key: val}), err
	}
}

func (a *api) putMetadataItem(of access) func(*rest.Request, metaBody) (rest.Response, error) {
	return func(r *rest.Request, in metaBody) (rest.Response, error) {
		key := r.Param("key")
		if _, ok := in.Meta[key]; !ok || len(in.Meta) != 1 {
			return rest.Response{}, fault.Invalid.Errorf("the body must hold the one item %.64q that the path names", key)
		}
		_, err := of(r, nil, changes(in.Meta))
		return rest.ReplyUnder("meta", in.Meta), err
	}
}

func (a *api) deleteMetadataItem(of access) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		key, _, err := item(r, of)
		if err != nil {
			return rest.Response{}, err
		}
		_, err = of(r, nil, map[string]*string{key: nil})
		return rest.Empty(), err
	}
}
