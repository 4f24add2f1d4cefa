// Tempest runs OpenStack's own tests against the cloud of examples/embedded and says
// how many passed, by service.
//
//	go run ./tools/tempest [-o DIR] [-n 8] [-all] [FILE]
//
// FILE names test ids, one a line, as "tempest run --list-tests" prints them;
// without it they are read from the standard input. Lines that begin with # are
// left out. DIR is where the cloud, Tempest's own log and report.txt go. The exit
// code is 1 when a test failed or did not run. The cloud remembers passwords and
// locks users out, which is off by default; so must one that -clouds names.
//
// A test of a feature that Nacre does not have yet is skipped: features.go says
// which. With -all nothing is, and what is missing fails.
//
// Tempest is Debian's package tempest. It drops an id that it does not know, and
// all tests of a class that cannot be set up, without a word; here both are
// counted. The tags of an id, in brackets, change from release to release, so they
// do not matter here.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.dir, "o", "", "directory for what is written; a fresh one when empty")
	flag.StringVar(&o.clouds, "clouds", "", "clouds.yaml of a cloud that runs already; without it one is started")
	flag.IntVar(&o.workers, "n", 8, "tests at once; most of their time they sleep")
	flag.BoolVar(&o.all, "all", false, "run the tests of features that are missing, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := o.run(ctx, flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "tempest:", err)
	}
	if r == nil || !r.passed() {
		os.Exit(1)
	}
}

type options struct {
	dir, clouds string
	workers     int
	all         bool
}

// run runs the tests of a list and returns what came out, if any ran.
func (o options) run(ctx context.Context, list string) (*report, error) {
	ids, err := readIDs(list)
	if err != nil {
		return nil, err
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "nacre-tempest-"); err != nil {
			return nil, err
		}
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(o.dir, "etc"), 0o750); err != nil {
		return nil, err
	}
	if o.clouds == "" {
		stop, err := startCloud(ctx, o.dir)
		if err != nil {
			return nil, err
		}
		defer stop()
		o.clouds = filepath.Join(o.dir, "cloud", "clouds.yaml")
	}
	c, err := look(ctx, o.clouds)
	if err != nil {
		return nil, fmt.Errorf("look into the cloud: %w", err)
	}
	if err := o.configure(c); err != nil {
		return nil, err
	}
	r := newReport(ids)
	if !o.all {
		leaveOut(r)
	}
	began := time.Now()
	err = o.tempest(ctx, r)
	r.print(os.Stdout, time.Since(began)) // of what ran, if it was cut short
	path := filepath.Join(o.dir, "report.txt")
	fmt.Printf("Details: %s\n", path)
	return r, errors.Join(err, r.write(path))
}

// readIDs reads test ids from a file, or from the standard input without a name.
func readIDs(name string) ([]string, error) {
	in := os.Stdin
	if name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	var ids []string
	for s := bufio.NewScanner(in); s.Scan(); {
		if id := strings.TrimSpace(s.Text()); id != "" && !strings.HasPrefix(id, "#") {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("no test ids")
	}
	return ids, nil
}

// tempest runs the tests and tells r what comes out.
func (o options) tempest(ctx context.Context, r *report) error {
	t, err := o.install(ctx)
	if err != nil {
		return err
	}
	known, err := t.command(ctx, "--list-tests").Output()
	if err != nil {
		return fmt.Errorf("list Tempest's tests: %w (see %s)", err, t.log.Name())
	}
	ids := r.known(string(known))
	if err := os.WriteFile(filepath.Join(o.dir, "ids"), []byte(strings.Join(ids, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	cmd := t.command(ctx, "--concurrency", strconv.Itoa(o.workers), "--load-list", "ids")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := r.read(io.TeeReader(out, t.log)); err != nil {
		return err
	}
	var failed *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &failed) {
		return err // that tests failed is told by the report
	}
	return ctx.Err()
}

// An installation is Tempest as Debian installs it, at work in dir.
type installation struct {
	program, python, dir string
	log                  *os.File
}

// install finds Tempest and tells stestr, which runs its tests, where they are.
func (o options) install(ctx context.Context) (installation, error) {
	program, err := exec.LookPath("tempest")
	if err != nil {
		return installation{}, fmt.Errorf("%w (apt-get install tempest)", err)
	}
	python, err := interpreter(program)
	if err != nil {
		return installation{}, err
	}
	where, err := exec.CommandContext(ctx, python, "-c", "import os, tempest; print(os.path.dirname(tempest.__file__))").Output()
	if err != nil {
		return installation{}, fmt.Errorf("find Tempest's tests with %s: %w", python, err)
	}
	home := strings.TrimSpace(string(where))
	if err := os.RemoveAll(filepath.Join(o.dir, ".stestr")); err != nil {
		return installation{}, err
	}
	text := fmt.Sprintf("[DEFAULT]\ntest_path=%s/test_discover\ntop_dir=%s\ngroup_regex=([^\\.]*\\.)*\n", home, filepath.Dir(home))
	if err := os.WriteFile(filepath.Join(o.dir, ".stestr.conf"), []byte(text), 0o600); err != nil {
		return installation{}, err
	}
	initialise := exec.CommandContext(ctx, python, "-m", "stestr.cli", "init") // tests can be listed only after it
	initialise.Dir = o.dir
	if out, err := initialise.CombinedOutput(); err != nil {
		return installation{}, fmt.Errorf("stestr init: %w: %s", err, out)
	}
	log, err := os.Create(filepath.Join(o.dir, "tempest.out"))
	return installation{program, python, o.dir, log}, err
}

func (t installation) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, t.program, append([]string{"run", "--config-file", "etc/tempest.conf"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Dir = t.dir
	// The first python in PATH need not be the one that has Tempest.
	cmd.Env = append(os.Environ(), "HOME="+t.dir, "PYTHON="+t.python, "PATH="+filepath.Dir(t.python)+":"+os.Getenv("PATH"))
	cmd.Stderr = t.log
	return cmd
}

// interpreter returns the Python that a script asks for.
func interpreter(script string) (string, error) {
	text, err := os.ReadFile(script)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	if len(words) == 0 || filepath.Base(words[0]) == "env" {
		return "python3", nil
	}
	return words[0], nil
}
