package main

import (
	"bytes"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestAllThatIsMissingIsInOneList(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{
		"-listen", taken.Addr().String(), "-dir", "/proc/nacre", "-external", "127.0.0.0/24",
		"-libvirt", "qemu+unix:///system?socket=" + filepath.Join(t.TempDir(), "none"),
	}, &out, &errs)
	if code != 1 || out.Len() > 0 {
		t.Errorf("exit %d, said %q", code, out.String())
	}
	for _, want := range []string{"libvirt does not answer", "choose another with -listen", "-external", "-dir"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("no %q in:\n%s", want, errs.String())
		}
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-external", "somewhere"}, {"-external", "2001:db8::/64"}, {"-external", "10.0.0.0/30"}, {"-unknown"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%v: exit %d, said %q", args, code, errs.String())
		}
	}
}
