package identity

import (
	"strings"
	"testing"

	"github.com/go-crypt/crypt/algorithm/bcrypt"

	"github.com/nacre-cloud/nacre/kit/fault"
)

func TestHashes(t *testing.T) {
	h, err := newHasher()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := h.hash(t.Context(), "pässword")
	if err != nil || h.outdated(stored) || strings.Contains(stored, "ssword") {
		t.Fatal(stored, err)
	}
	old, err := bcrypt.New(bcrypt.WithIterations(10))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := old.Hash("pässword")
	if err != nil {
		t.Fatal(err)
	}
	if !h.outdated(foreign.Encode()) {
		t.Error("a bcrypt hash is not renewed")
	}
	for _, tt := range []struct {
		name, password, stored string
		want                   bool
	}{
		{"right", "pässword", stored, true},
		{"right, by another algorithm", "pässword", foreign.Encode(), true},
		{"wrong", "password", stored, false},
		{"empty", "", stored, false},
		{"no such user", "pässword", "", false},
		{"too long", strings.Repeat("x", MaxPassword+1), stored, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.matches(t.Context(), tt.password, tt.stored)
			if err != nil || got != tt.want {
				t.Errorf("%v %v", got, err)
			}
		})
	}
	if _, err := h.matches(t.Context(), "x", "garbage"); fault.Of(err) != fault.Internal || strings.Contains(err.Error(), "garbage") {
		t.Errorf("a hash that cannot be read: %v", err)
	}
	for _, bad := range []string{"", strings.Repeat("x", MaxPassword+1)} {
		if _, err := h.hash(t.Context(), bad); fault.Of(err) != fault.Invalid {
			t.Errorf("%d letters: %v", len(bad), err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	h, err := newHasher()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := h.hash(b.Context(), "password"); err != nil {
			b.Fatal(err)
		}
	}
}
