package memory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/image/imagetest"
	"github.com/nacre-cloud/nacre/image/memory"
	"github.com/nacre-cloud/nacre/kit/fault"
)

func TestDriver(t *testing.T) {
	imagetest.TestDriver(t, func(*testing.T) image.Driver { return memory.New(memory.Config{}) })
}

func TestFullStoreTakesNothing(t *testing.T) {
	d := memory.New(memory.Config{Capacity: 10})
	put := func(id image.ID, n int) error {
		_, err := d.Put(t.Context(), id, strings.NewReader(strings.Repeat("x", n)))
		return err
	}
	if err := put("a", 6); err != nil {
		t.Fatal(err)
	}
	if err := put("b", 6); !errors.Is(err, fault.Exhausted) {
		t.Errorf("put into a full store: %v, want exhausted", err)
	}
	if err := put("b", 4); err != nil {
		t.Errorf("a refused upload kept its room: %v", err)
	}
	if err := d.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := put("c", 6); err != nil {
		t.Errorf("a deleted image kept its room: %v", err)
	}
}
