// Package driver is how a cloud lists what its domains run on: named drivers.
//
// Each domain has a function that an integrator calls in main with a name and a
// constructor (volume.AddBackend, network.AddHost); all of them are Add, with the
// domain's own Driver and its own named struct. A driver does not import this
// package: it implements its domain's Driver, and Starter and Stopper where it
// wants to. The domain's Manager sorts what was listed with ByName and Default.
package driver

import (
	"context"
	"maps"
	"slices"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Starter is a driver that connects, checks its store or begins a loop when the
// program starts. Constructors do no I/O.
type Starter interface {
	// Start fails with fault.Unavailable or fault.Invalid, and says what is missing.
	Start(ctx context.Context) error
}

// A Stopper is a driver that ends something when the program stops. What it
// carries, such as guests and networks, goes on.
type Stopper interface {
	// Stop closes connections and waits for the driver's loops.
	Stop(ctx context.Context) error
}

// ByName returns what was listed by its name. what says in messages what it is,
// such as "volume backend". Two of one name, and one without, are fault.Invalid.
func ByName[N, D any](what string, listed []N, each func(N) (name string, driver D)) (map[string]D, error) {
	all := make(map[string]D, len(listed))
	for _, n := range listed {
		name, d := each(n)
		if name == "" {
			return nil, fault.Invalid.Errorf("a %s has no name", what)
		}
		if _, twice := all[name]; twice {
			return nil, fault.Invalid.Errorf("two %ss are called %q", what, name)
		}
		all[name] = d
	}
	return all, nil
}

// Default returns the name to use where nobody says one: chosen, or else the first
// of all in order. One that is not in all is fault.Invalid.
func Default[D any](what string, all map[string]D, chosen string) (string, error) {
	names := slices.Sorted(maps.Keys(all))
	if chosen == "" && len(names) > 0 {
		return names[0], nil
	}
	if _, listed := all[chosen]; !listed {
		return "", fault.Invalid.Errorf("the default %s %q is not listed: there are %q", what, chosen, names)
	}
	return chosen, nil
}
