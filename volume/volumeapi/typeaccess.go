package volumeapi

import (
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

// managedType returns the request's type to an administrator.
func (a *api) managedType(r *rest.Request) (volume.Type, error) {
	if err := identity.Allow(r.Context(), "volume:type:manage", nil); err != nil {
		return volume.Type{}, err
	}
	return a.volumes.Type(r.Context(), r.Param("id"))
}

func (a *api) typeAccess(r *rest.Request) (rest.Response, error) {
	type access struct {
		TypeID    volume.TypeID `json:"volume_type_id"`
		ProjectID string        `json:"project_id"`
	}
	t, err := a.managedType(r)
	if err != nil {
		return rest.Response{}, err
	}
	if t.Public {
		return rest.Response{}, fault.NotFound.Errorf("volume type %s is public: there is no list of projects that may use it", t.ID)
	}
	var list []access
	for _, p := range t.Projects {
		list = append(list, access{t.ID, p})
	}
	return rest.ReplyUnder("volume_type_access", list), nil
}

type projectAccess struct {
	Project string `json:"project" required:"true" min:"1" max:"255"`
}

func (a *api) allowProject(r *rest.Request, in projectAccess) (rest.Response, error) {
	t, err := a.managedType(r)
	if err != nil {
		return rest.Response{}, err
	}
	if t.For(in.Project) {
		return rest.Response{}, fault.Conflict.Errorf("project %s may use volume type %s already", in.Project, t.ID)
	}
	t.Projects = append(t.Projects, in.Project)
	_, err = a.volumes.UpdateType(r.Context(), t)
	return rest.Empty(), err
}

func (a *api) forbidProject(r *rest.Request, in projectAccess) (rest.Response, error) {
	t, err := a.managedType(r)
	if err != nil {
		return rest.Response{}, err
	}
	i := slices.Index(t.Projects, in.Project)
	if i < 0 {
		return rest.Response{}, fault.NotFound.Errorf("project %s has no access of its own to volume type %s", in.Project, t.ID)
	}
	t.Projects = slices.Delete(t.Projects, i, i+1)
	_, err = a.volumes.UpdateType(r.Context(), t)
	return rest.Empty(), err
}
