package quota_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
)

func TestKeeper(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := quota.New("volume", quota.Amount{"volumes": 10, "gigabytes": 100}, quota.Amount{"volumes": 3})
		change := func(fn func(ctx context.Context, tx *db.Tx) error) error { return d.Tx(t.Context(), fn) }
		reserve := func(project string, used, want int64) error {
			return change(func(ctx context.Context, tx *db.Tx) error {
				return k.Reserve(ctx, tx, project, quota.Amount{"volumes": want},
					func() (quota.Amount, error) { return quota.Amount{"volumes": used}, nil })
			})
		}
		set := func(limits quota.Amount) error {
			return change(func(ctx context.Context, tx *db.Tx) error { return k.Set(ctx, tx, "a", limits) })
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
			{"reset", change(func(ctx context.Context, tx *db.Tx) error { return k.Reset(ctx, tx, "a") }), nil},
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
