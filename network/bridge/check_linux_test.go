package bridge

import "testing"

func TestCheckPassesHereAndLeavesNothing(t *testing.T) {
	needRoot(t)
	before, err := spacesWith("nc-")
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(t.Context()); err != nil {
		t.Error(err)
	}
	after, err := spacesWith("nc-")
	if err != nil || len(after) > len(before) {
		t.Error(after, err)
	}
}
