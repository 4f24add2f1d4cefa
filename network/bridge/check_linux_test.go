package bridge_test

import (
	"path/filepath"
	"testing"

	"github.com/nacre-cloud/nacre/network/bridge"
)

func TestCheckPassesHereAndLeavesNothing(t *testing.T) {
	newSite(t) // or skip
	if err := bridge.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob("/run/netns/*-check*"); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}
