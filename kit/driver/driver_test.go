package driver_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/driver"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// A tape is the Driver of this test's domain.
type tape interface{ Play() string }

type deck struct {
	name string
	tape tape
}

func add(name string, newTape any) fx.Option {
	return driver.Add("tape "+name, "tapes", newTape, func(t tape) deck { return deck{name, t} })
}

type plain string

func (p plain) Play() string { return string(p) }

// A lively tape tells when it is started and stopped.
type lively struct {
	plain
	log *[]string
}

func (l lively) Start(context.Context) error {
	*l.log = append(*l.log, "start "+string(l.plain))
	return nil
}

func (l lively) Stop(context.Context) error {
	*l.log = append(*l.log, "stop "+string(l.plain))
	return nil
}

func TestAdd(t *testing.T) {
	var log, names []string
	app := fx.New(fx.NopLogger, fx.Supply(&log),
		add("a", func() tape { return plain("a") }),
		add("b", func() (tape, error) { return plain("b"), nil }),
		add("c", func(log *[]string) tape { return lively{"c", log} }),
		fx.Invoke(fx.Annotate(func(decks []deck) {
			for _, d := range decks {
				names = append(names, d.name+" plays "+d.tape.Play())
			}
		}, fx.ParamTags(`group:"tapes"`))))
	if err := errors.Join(app.Start(t.Context()), app.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names) // a group has no order
	if diff := cmp.Diff([]string{"a plays a", "b plays b", "c plays c"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"start c", "stop c"}, log); diff != "" {
		t.Error(diff)
	}
}

func TestAddErrors(t *testing.T) {
	tests := []struct {
		name    string
		newTape any
		want    string
	}{
		{"what the driver says", func() (tape, error) { return nil, fault.Invalid.Errorf("no such reel") }, "no such reel"},
		{"needs what nobody lists", func(*lively) tape { return nil }, "missing type: *driver_test.lively (did you mean driver_test.tape?)"},
		{"returns another type", func() int { return 1 }, "tape a: add it with a function that returns a driver_test.tape, not with func() int"},
		{"returns nothing", func() {}, "tape a: add it with a function that returns a driver_test.tape, not with func()"},
		{"no function", plain("a"), "tape a: add it with a function that returns a driver_test.tape, not with driver_test.plain"},
		{"nothing", nil, "tape a: add it with a function that returns a driver_test.tape, not with <nil>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := fx.New(fx.NopLogger, add("a", test.newTape),
				fx.Invoke(fx.Annotate(func([]deck) {}, fx.ParamTags(`group:"tapes"`)))).Err()
			if err == nil || dig.RootCause(err).Error() != test.want {
				t.Errorf("%v\nwant %s", dig.RootCause(err), test.want)
			}
		})
	}
}

func TestByName(t *testing.T) {
	named := func(d deck) (string, tape) { return d.name, d.tape }
	all, err := driver.ByName("deck", []deck{{"b", plain("B")}, {"a", plain("A")}}, named)
	if diff := cmp.Diff(map[string]tape{"a": plain("A"), "b": plain("B")}, all); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for name, listed := range map[string][]deck{
		"two of one name": {{name: "a"}, {name: "a"}},
		"without a name":  {{tape: plain("A")}},
	} {
		if _, err := driver.ByName("deck", listed, named); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for chosen, want := range map[string]string{"": "a", "b": "b", "c": ""} {
		got, err := driver.Default("deck", all, chosen)
		if got != want || (err != nil) != (want == "") || err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("default %q: %q, %v", chosen, got, err)
		}
	}
}
