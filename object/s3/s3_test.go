package s3_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/objecttest"
	"github.com/nacre-cloud/nacre/object/s3"
)

// Open returns a driver over a bucket of its own.
func open(t *testing.T, cfg s3.Config) *s3.Driver {
	t.Helper()
	cfg.Bucket = strings.ToLower(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name()))
	cfg.Bucket = strings.Trim(cfg.Bucket[max(0, len(cfg.Bucket)-40):], "-")
	cfg.Prefix = "blobs/"
	d, err := s3.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return runtest.Start(t, runtest.Start(t, d)) // a bucket that is there is no error
}

func TestDriver(t *testing.T) {
	cfg := radosgw(t)
	objecttest.TestDriver(t, func(t *testing.T) object.Driver { return open(t, cfg) })
}

func TestWrongKeysAreNotTheCallersFault(t *testing.T) {
	cfg := radosgw(t)
	open(t, cfg)
	cfg.SecretKey, cfg.Bucket = "wrong", "other"
	d, err := s3.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); !errors.Is(err, fault.Internal) {
		t.Errorf("start: %v, want internal", err)
	}
}

func TestUnreachableStoreIsUnavailable(t *testing.T) {
	d, err := s3.New(s3.Config{Endpoint: "127.0.0.1:1", Bucket: "b", AccessKey: "a", SecretKey: "s", Region: "r", Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := d.Delete(ctx, "blob"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("delete: %v, want unavailable", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []s3.Config{{}, {Endpoint: "h"}, {Endpoint: "h", Bucket: "b"}, {Endpoint: "http://h/x", Bucket: "b", AccessKey: "a", SecretKey: "s"}} {
		if _, err := s3.New(cfg); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v, want invalid", cfg.Endpoint, err)
		}
	}
}

func TestManagerOverS3(t *testing.T) {
	cfg := radosgw(t)
	objecttest.TestService(t, func(t *testing.T) objecttest.Store {
		m, err := object.New(object.Params{
			DB:       dbtest.SQLite(t, bus.Migrations, object.Migrations),
			Backends: []object.Backend{{Name: "s3", Driver: open(t, cfg)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return objecttest.Store{Service: m, Content: m}
	})
}
