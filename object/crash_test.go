package object_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/file"
)

// crashDir makes a copy of this test program upload into a directory until it is killed.
const crashDir = "NACRE_OBJECT_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		uploadForever(dir)
	}
	os.Exit(m.Run())
}

// reopen returns a manager over what a directory holds.
func reopen(dir string) (*object.Manager, *db.DB, error) {
	d, err := db.Open(db.Config{URL: "sqlite:" + filepath.Join(dir, "test.db")})
	if err != nil {
		return nil, nil, err
	}
	if err := d.Migrate(context.Background(), bus.Migrations, object.Migrations); err != nil {
		return nil, nil, err
	}
	m, err := object.New(object.Params{DB: d, Backends: []object.Backend{{Name: "disk", Driver: file.New(filepath.Join(dir, "blobs"))}}})
	return m, d, err
}

// content is what version v of object i holds: whole, it can be told from all others.
func content(i, v int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%d.%d;", i, v)), 10_000+i*v%5_000)
}

func uploadForever(dir string) {
	m, _, err := reopen(dir)
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	ctx := asMember(context.Background())
	if _, err := m.CreateContainer(ctx, object.ContainerPatch{ContainerID: o.Parent()}); err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	start := int(time.Now().UnixMilli() % 1e9)
	for worker := range 4 {
		go func() {
			for v := start; ; v++ {
				i := v%5*4 + worker
				id := o
				id.Object = object.Name(fmt.Sprint(i))
				body := content(i, v)
				if _, err := m.Upload(ctx, object.UploadSpec{ObjectID: id, Size: -1, Body: bytes.NewReader(body)}); err != nil {
					fmt.Println("failed", err)
					os.Exit(1)
				}
				fmt.Printf("%d %d\n", i, v)
			}
		}()
	}
	select {}
}

// TestKilledUploadsLeaveNothing kills a process in the middle of its uploads,
// several times, and looks at what is there.
func TestKilledUploadsLeaveNothing(t *testing.T) {
	dir, seed := t.TempDir(), uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	acknowledged := map[int]int{}
	for range 5 {
		killAfter(t, dir, 20+rng.IntN(200), acknowledged)
		checkAfterCrash(t, dir, acknowledged)
	}
}

// killAfter runs the uploader until it has acknowledged n uploads, and notes them.
func killAfter(t *testing.T, dir string, n int, acknowledged map[int]int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for k := 0; lines.Scan(); k++ {
		var i, v int
		if _, err := fmt.Sscanf(lines.Text(), "%d %d", &i, &v); err != nil {
			if k < n {
				t.Fatalf("the uploader says %q", lines.Text())
			}
			break // a line that was cut
		}
		acknowledged[i] = max(acknowledged[i], v)
		if k == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
}

func checkAfterCrash(t *testing.T, dir string, acknowledged map[int]int) {
	t.Helper()
	m, d, err := reopen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	ctx := asMember(t.Context())
	l, err := m.Objects(ctx, object.Query{ContainerID: o.Parent()})
	if err != nil {
		t.Fatal(err)
	}
	found := map[object.Name]bool{}
	for _, e := range l.Entries {
		found[e.Item.Name] = true
		b, err := m.Download(ctx, object.DownloadSpec{ObjectID: e.Item.ID()})
		if err != nil {
			t.Fatal(err)
		}
		r, err := b.Open(ctx, object.Range{})
		if err != nil {
			t.Fatalf("object %s: %v", e.Item.Name, err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		var i, v int
		_, _ = fmt.Sscanf(string(data[:min(30, len(data))]), "%d.%d;", &i, &v)
		if err != nil || string(e.Item.Name) != fmt.Sprint(i) || !bytes.Equal(data, content(i, v)) || v < acknowledged[i] {
			t.Errorf("object %s holds %d bytes of version %d, %v, acknowledged was %d", e.Item.Name, len(data), v, err, acknowledged[i])
		}
	}
	for i := range acknowledged {
		if !found[object.Name(fmt.Sprint(i))] {
			t.Errorf("object %d was acknowledged and is gone", i)
		}
	}
	disk := aged{file.New(filepath.Join(dir, "blobs"))}
	again, err := object.New(object.Params{DB: d, Backends: []object.Backend{{Name: "disk", Driver: disk}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if n := count(t, disk); n != len(l.Entries) {
		t.Errorf("after a sweep %d blobs stay for %d objects", n, len(l.Entries))
	}
	leftovers(t, dir)
}

// leftovers checks that sweeping a day later removes what the dead uploads had written.
func leftovers(t *testing.T, dir string) {
	t.Helper()
	if err := file.New(filepath.Join(dir, "blobs")).Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(filepath.Join(dir, "blobs", ".parts"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			t.Errorf("%s is left behind", strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
