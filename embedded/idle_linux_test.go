package embedded_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAnIdleCloudIsSmall builds the example, starts it, and looks at it while
// nobody calls.
func TestAnIdleCloudIsSmall(t *testing.T) {
	const (
		mostMemory = 64 << 10        // KiB
		mostStart  = 3 * time.Second // it should be one; where tests run, others do too
		quiet      = 5 * time.Second
	)
	program := filepath.Join(t.TempDir(), "embedded")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../examples/embedded").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, "-dir", t.TempDir())
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, "up at http") {
		t.Fatalf("it says %q: %v", line, err)
	}
	ready := time.Since(began)
	t.Logf("ready after %s", ready.Round(time.Millisecond))
	if ready > mostStart {
		t.Errorf("it was ready after %s, want %s", ready, mostStart)
	}
	before := ticks(t, cmd.Process.Pid)
	<-time.After(quiet)
	resident := memory(t, cmd.Process.Pid)
	busy := ticks(t, cmd.Process.Pid) - before
	t.Logf("resident %d KiB, %d ms of processor in %s", resident, busy*10, quiet)
	if resident > mostMemory {
		t.Errorf("%d KiB are resident, want %d", resident, mostMemory)
	}
	if busy > 25 { // a twentieth of a processor
		t.Errorf("an idle cloud works for %d ms in %s", busy*10, quiet)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it does not stop cleanly: %v", err)
	}
}

// memory returns what a process holds in RAM, in KiB.
func memory(t *testing.T, pid int) (kib int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	if _, err := fmt.Sscan(after, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}

// ticks returns how long a process has run, in hundredths of a second.
func ticks(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system int
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		t.Fatal(err)
	}
	return user + system
}
