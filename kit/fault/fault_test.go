package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
)

var errNoAddress = fault.Exhausted.Reason("network.no-address")

func TestErrorsAreOfTheirKind(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		kind   fault.Kind
		reason string
	}{
		{"a kind", fault.NotFound, fault.NotFound, ""},
		{"a message of a kind", fault.NotFound.Errorf("volume %d", 1), fault.NotFound, ""},
		{"wrapped by fmt", fmt.Errorf("create: %w", fault.Conflict.Errorf("busy")), fault.Conflict, ""},
		{"outermost kind wins", fault.Unavailable.Errorf("driver: %w", fault.NotFound.Errorf("x")), fault.Unavailable, ""},
		{"a reason", errNoAddress, fault.Exhausted, "network.no-address"},
		{"a message of a reason", errNoAddress.Errorf("subnet %s is full", "a"), fault.Exhausted, "network.no-address"},
		{"wrap keeps the kind", fault.Unavailable.Wrap(errNoAddress.Errorf("full"), "port"), fault.Exhausted, "network.no-address"},
		{"wrap gives a kind", fault.Unavailable.Wrap(io.ErrUnexpectedEOF, "read"), fault.Unavailable, ""},
		{"foreign errors are internal", io.EOF, fault.Internal, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fault.Of(tt.err); got != tt.kind {
				t.Errorf("Of = %q, want %q", got, tt.kind)
			}
			if got := fault.ReasonOf(tt.err).Name; got != tt.reason {
				t.Errorf("ReasonOf = %q, want %q", got, tt.reason)
			}
		})
	}
}

func TestErrorsCanBeTested(t *testing.T) {
	err := errNoAddress.Errorf("subnet full: %w", io.EOF)
	for _, target := range []error{fault.Exhausted, errNoAddress, io.EOF} {
		if !errors.Is(err, target) {
			t.Errorf("errors.Is(err, %v) = false", target)
		}
	}
	if errors.Is(err, fault.NotFound) {
		t.Error("an exhausted error is not found")
	}
	if fault.Internal.Wrap(nil, "nothing") != nil {
		t.Error("nil became an error")
	}
}

func TestEveryKindHasAStatus(t *testing.T) {
	for _, k := range fault.Kinds {
		if s := k.Status(); s < 400 || (s == 500) != (k == fault.Internal) {
			t.Errorf("%s has status %d", k, s)
		}
	}
}
