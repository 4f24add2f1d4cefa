package image_test

import (
	"bufio"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/image/file"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

const crashDir = "NACRE_TEST_IMAGE_CRASH_DIR"

// reopen starts a Manager on what is in a directory.
func reopen(t *testing.T, dir string) (*image.Manager, *file.Driver) {
	t.Helper()
	d, err := db.Open(db.Config{URL: "sqlite:" + filepath.Join(dir, "db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), migrations...); err != nil {
		t.Fatal(err)
	}
	e, store := flow.NewEngine(d, nil, flow.Config{}), file.New(filepath.Join(dir, "images"))
	m, err := image.New(image.Params{DB: d, Flows: e, Stores: []image.Store{{Name: "file", Driver: store}}, Config: image.Config{Lease: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(e.Stop(context.WithoutCancel(t.Context())), d.Close()); err != nil {
			t.Error(err)
		}
	})
	return m, store
}

// TestUploadUntilKilled is what the process does that TestCrash kills.
func TestUploadUntilKilled(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		return
	}
	m, _ := reopen(t, dir)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for {
				i, err := m.CreateImage(member(t), image.CreateSpec{DiskFormat: "raw", ContainerFormat: "bare"})
				if err != nil {
					t.Error(err)
					return
				}
				data := io.LimitReader(rand.NewChaCha8([32]byte{byte(n)}), 1<<16+rand.Int64N(1<<20))
				if _, err := m.Upload(member(t), i.ID, data); err != nil {
					t.Error(err)
					return
				}
				fmt.Println(i.ID)
			}
		})
	}
	wg.Wait()
}

func TestCrash(t *testing.T) {
	dir, seed := t.TempDir(), rand.Uint64()
	t.Logf("seed %d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	for range 4 {
		acknowledged := uploadAndKill(t, dir, moments.IntN(20), time.Duration(moments.IntN(10_000))*time.Microsecond)
		t.Run("what is left", func(t *testing.T) { inspectRuins(t, dir, acknowledged) })
	}
}

// uploadAndKill kills a process that uploads, some time after it acknowledged
// some uploads, and returns those.
func uploadAndKill(t *testing.T, dir string, uploads int, later time.Duration) []image.ID {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUploadUntilKilled$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var done []image.ID
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if done = append(done, image.ID(lines.Text())); len(done) > uploads {
			time.AfterFunc(later, func() { _ = cmd.Process.Kill() })
			break
		}
	}
	for lines.Scan() {
		done = append(done, image.ID(lines.Text()))
	}
	_ = cmd.Wait()
	return done
}

func inspectRuins(t *testing.T, dir string, acknowledged []image.ID) {
	m, store := reopen(t, dir)
	var all []image.Image
	flowtest.Eventually(t, "dead uploads are queued again", func() bool {
		p, err := m.Images(member(t), image.Query{})
		if err = errors.Join(err, m.Reconcile(t.Context())); err != nil {
			t.Fatal(err)
		}
		all = p.Items
		for _, i := range all {
			if i.Status == image.Saving {
				return false
			}
		}
		return true
	})
	blobs := map[image.ID]bool{}
	for _, i := range all {
		switch i.Status {
		case image.Active:
			blobs[i.Blob] = true
			in, _, err := m.Open(member(t), i.ID, image.Range{})
			if err != nil {
				t.Errorf("an active image cannot be read: %v", err)
				continue
			}
			sum := sha512.New()
			n, err := io.Copy(sum, in)
			if err = errors.Join(err, in.Close()); err != nil || n != i.SizeBytes || hex.EncodeToString(sum.Sum(nil)) != i.SHA512 {
				t.Errorf("an active image has %d of %d bytes, or others: %v", n, i.SizeBytes, err)
			}
		case image.Queued:
			if i.Blob != "" || i.SizeBytes != 0 {
				t.Errorf("a queued image has bytes: %+v", i)
			}
		default:
			t.Errorf("image %s is %s", i.ID, i.Status)
		}
	}
	for _, id := range acknowledged {
		if i, err := m.Image(member(t), id); err != nil || i.Status != image.Active {
			t.Errorf("an acknowledged upload is %s, %v", i.Status, err)
		}
	}
	kept, err := store.List(t.Context())
	if err != nil || len(kept) != len(blobs) {
		t.Errorf("the store keeps %d, rows know %d, %v", len(kept), len(blobs), err)
	}
}
