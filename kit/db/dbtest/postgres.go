package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/machinetest"
)

// PostgresURL returns the URL of a schema that exists until the test ends.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("NACRE_POSTGRES")
	if server == "" {
		var err error
		if server, err = localServer(); err != nil {
			machinetest.Missing(t, "no PostgreSQL: %v (install postgresql, or set NACRE_POSTGRES)", err)
		}
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.WithoutCancel(t.Context()), "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
		_ = admin.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

var localServer = sync.OnceValues(startServer)

// alive is the pipe to the shell. Nothing reads it: it is held open for as long as
// this process lives.
var alive io.WriteCloser //nolint:unused // to be held is its use

// startServer starts PostgreSQL on a unix socket. A shell stands between: it
// waits on a pipe that closes when this process ends, however it ends, then
// stops the server and removes its files.
func startServer() (string, error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "nacre-postgres-")
	if err != nil {
		return "", err
	}
	const script = `
data="$1/data"
as=
if [ "$(id -u)" = 0 ]; then as="setpriv --reuid postgres --regid postgres --clear-groups"; chown postgres "$1"; fi
$as "$2/initdb" -D "$data" -A trust -U postgres --no-sync >"$1/log" 2>&1
$as "$2/postgres" -D "$data" -k "$1" -c listen_addresses= -c fsync=off -c max_connections=200 >>"$1/log" 2>&1 &
read -r _
kill -INT $! # a fast shutdown; shells make what they put in the background deaf to QUIT
wait
rm -rf "$1"`
	cmd := exec.Command("sh", "-c", script, "sh", dir, bin)
	cmd.Dir = dir
	if alive, err = cmd.StdinPipe(); err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	server := fmt.Sprintf("postgres://postgres@/postgres?host=%s", url.QueryEscape(dir))
	probe, err := sql.Open("pgx", server)
	if err != nil {
		return "", err
	}
	defer func() { _ = probe.Close() }()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(50 * time.Millisecond) {
		if err = probe.Ping(); err == nil {
			return server, nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return "", fmt.Errorf("%w: %s", err, log)
		}
	}
}

// binaries finds the folder of initdb and postgres; Debian keeps it outside PATH.
func binaries() (string, error) {
	if debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(debian) > 0 {
		return filepath.Dir(debian[len(debian)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	return filepath.Dir(path), err
}
