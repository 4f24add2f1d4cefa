package networktest

import (
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

func tags(t *testing.T, w world) {
	tagged := func(tags ...string) network.Network {
		return got(w.CreateNetwork(member(t), network.Spec{Base: network.Base{Tags: tags}}))(t)
	}
	n := tagged("red", "blue")
	tagged("red")
	tagged("Red")
	tagged()
	for name, c := range map[string]struct {
		q    network.Query
		want int
	}{
		"all of":      {network.Query{Tags: []string{"red", "blue"}}, 1},
		"one":         {network.Query{Tags: []string{"red"}}, 2},
		"any of":      {network.Query{AnyTags: []string{"blue", "Red"}}, 2},
		"not all of":  {network.Query{NotTags: []string{"red", "blue"}}, 3},
		"none of":     {network.Query{NoneOfTags: []string{"red", "blue"}}, 2},
		"part of one": {network.Query{Tags: []string{"re"}}, 0},
	} {
		if p := got(w.Networks(member(t), c.q))(t); len(p.Items) != c.want {
			t.Errorf("%s: %d, want %d", name, len(p.Items), c.want)
		}
	}
	set := got(w.SetTags(member(t), network.Tagged{Kind: "networks", ID: string(n.ID), Tags: []string{"z", "y", "z"}}))(t)
	if have := got(w.Tags(member(t), network.Tagged{Kind: "networks", ID: string(n.ID)}))(t); !slices.Equal(have, set) || !slices.Equal(have, []string{"y", "z"}) {
		t.Errorf("%v, %v", set, have)
	}
	_, err := w.Tags(member(t), network.Tagged{Kind: "clouds", ID: "x"})
	is(t, "an unknown kind", err, fault.NotFound)
}

// tagsAtOnce adds and removes tags while the things change otherwise.
func tagsAtOnce(t *testing.T, w world) {
	n, _ := w.network(t, "10.0.0.0/24")
	p := w.port(t, n.ID)
	kinds := map[string]string{"networks": string(n.ID), "ports": string(p.ID)}
	want := []string{}
	var all sync.WaitGroup
	for kind, id := range kinds {
		got(w.SetTags(member(t), network.Tagged{Kind: kind, ID: id, Tags: []string{"old"}}))(t)
	}
	for i := range 8 {
		tag := "tag" + strconv.Itoa(i)
		want = append(want, tag)
		for kind, id := range kinds {
			all.Go(func() {
				_, err := w.ChangeTags(member(t), network.TagPatch{Kind: kind, ID: id, Add: []string{tag}, Remove: []string{"old"}})
				is(t, "add a tag to "+kind, err, nil)
			})
		}
		all.Go(func() {
			_, err := w.UpdatePort(member(t), network.PortPatch{ID: p.ID, BasePatch: network.BasePatch{Name: &tag}})
			is(t, "rename a port", err, nil)
			_, err = w.UpdateNetwork(member(t), network.Patch{ID: n.ID, BasePatch: network.BasePatch{Name: &tag}})
			is(t, "rename a network", err, nil)
		})
	}
	all.Wait()
	for kind, id := range kinds {
		if tags := got(w.Tags(member(t), network.Tagged{Kind: kind, ID: id}))(t); !slices.Equal(tags, want) {
			t.Errorf("%s: %v, want %v", kind, tags, want)
		}
	}
	for name, p := range map[string]struct {
		patch network.TagPatch
		want  error
	}{
		"no tag":          {network.TagPatch{Kind: "networks", ID: string(n.ID), Add: []string{""}}, fault.Invalid},
		"what is not":     {network.TagPatch{Kind: "networks", ID: "none", Add: []string{"a"}}, fault.NotFound},
		"an unknown kind": {network.TagPatch{Kind: "clouds", ID: "x", Add: []string{"a"}}, fault.NotFound},
	} {
		_, err := w.ChangeTags(member(t), p.patch)
		is(t, name, err, p.want)
	}
	_, err := w.ChangeTags(stranger(t), network.TagPatch{Kind: "networks", ID: string(n.ID), Add: []string{"a"}})
	is(t, "another project's", err, fault.NotFound)
}
