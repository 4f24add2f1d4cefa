package quota_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
)

func TestKeeper(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := quota.New("volume", quota.Amount{"volumes": 10, "gigabytes": 100}, quota.Amount{"volumes": 3})
		uses := func(n int64) quota.Usage {
			return func(context.Context, bun.IDB, string) (quota.Amount, error) { return quota.Amount{"volumes": n}, nil }
		}
		reserve := func(project string, used, want int64) error {
			return d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				return k.Reserve(ctx, tx, project, quota.Amount{"volumes": want}, uses(used))
			})
		}
		set := func(limits quota.Amount) error {
			return k.Change(t.Context(), d, quota.Patch{ProjectID: "a", Limits: limits})
		}
		steps := []struct {
			name string
			err  error
			want error
		}{
			{"up to the limit", reserve("a", 2, 1), nil},
			{"above the limit", reserve("a", 2, 2), fault.OverQuota},
			{"nothing wanted is always allowed", reserve("a", 5, 0), nil},
			{"unknown resource", set(quota.Amount{"cats": 1}), fault.Invalid},
			{"negative", set(quota.Amount{"volumes": -2}), fault.Invalid},
			{"raise", set(quota.Amount{"volumes": 4}), nil},
			{"raised", reserve("a", 2, 2), nil},
			{"others are not raised", reserve("b", 2, 2), fault.OverQuota},
			{"unlimited", set(quota.Amount{"volumes": quota.Unlimited}), nil},
			{"without a limit", reserve("a", 1000, 1000), nil},
			{"reset", set(nil), nil},
			{"as before", reserve("a", 2, 2), fault.OverQuota},
		}
		for _, s := range steps {
			if !errors.Is(s.err, s.want) {
				t.Errorf("%s: %v, want %v", s.name, s.err, s.want)
			}
		}
		limits, err := k.Limits(t.Context(), d.Read(), "a")
		if diff := cmp.Diff(quota.Amount{"volumes": 3, "gigabytes": 100}, limits); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}, quota.Migrations)
}

func TestShowAndList(t *testing.T) {
	d := dbtest.SQLite(t, quota.Migrations)
	k := quota.New("volume", quota.Amount{"volumes": 10, "gigabytes": 100}, nil)
	other := quota.New("image", quota.Amount{"images": 1}, nil)
	for project, keeper := range map[string]*quota.Keeper{"b": k, "a": k, "c": other} {
		for resource := range keeper.Defaults() {
			if err := keeper.Change(t.Context(), d, quota.Patch{ProjectID: project, Limits: quota.Amount{resource: 5}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	five := quota.Amount{"volumes": 5, "gigabytes": 5}
	all, err := k.List(t.Context(), d.Read())
	want := []quota.Quota{{ProjectID: "a", Limits: five, Defaults: k.Defaults()}, {ProjectID: "b", Limits: five, Defaults: k.Defaults()}}
	if diff := cmp.Diff(want, all); diff != "" || err != nil {
		t.Error(diff, err)
	}
	one, err := k.Show(t.Context(), d.Read(), "a", func(_ context.Context, _ bun.IDB, project string) (quota.Amount, error) {
		return quota.Amount{"volumes": int64(len(project))}, nil
	})
	want[0].Used = quota.Amount{"volumes": 1}
	if diff := cmp.Diff(want[0], one); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
