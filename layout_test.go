package nacre_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/nacre-cloud/nacre"

// kit says, for each part of the kit, which other parts it may import.
var kit = map[string][]string{
	"fault":       {},
	"page":        {"fault"},
	"driver":      {"fault"},
	"db":          {"fault", "page"},
	"quota":       {"fault", "page", "db"},
	"bus":         {"fault", "page", "db"},
	"flow":        {"fault", "page", "db", "bus"},
	"rest":        {"fault", "page", "bus"},
	"machinetest": {},
	"runtest":     {"driver"},
}

// domains says how high each domain stands. A domain imports only lower ones.
var domains = map[string]int{
	"identity": 1,
	"image":    2, "network": 2, "volume": 2, "object": 2, "scheduler": 2,
	"compute":  3,
	"metering": 4,
}

// leaves are folders that nothing imports and that may import everything.
var leaves = []string{"examples", "tools"}

// cgo are libraries that link C. The file that imports one carries a build tag.
var cgo = []string{"C", "libvirt.org/go/libvirt", "github.com/ceph/go-ceph"}

// A role is what a package is within its domain; it decides what it may import.
type role int

const (
	inside role = iota // the domain itself, or a part of it such as identity/token
	face               // Xapi: HTTP
	remote             // Xrpc: over the bus
	suite              // Xtest: conformance
	driver             // a backend
)

// kitOf says which parts of the kit each role may import. A nil list is all of them.
var kitOf = map[role][]string{
	face:   {"fault", "page", "quota", "rest"},
	remote: {"fault", "page", "quota", "bus"},
	driver: {"fault", "page"},
}

// A source is one parsed Go file.
type source struct {
	path  string // from the module's root
	dir   string // of path; "." is the root
	test  bool   // ends in _test.go
	lines int
	file  *ast.File
	fset  *token.FileSet
}

// imports lists what the file imports.
func (s source) imports() []string {
	var all []string
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		all = append(all, p)
	}
	return all
}

// A tree is every Go file of the module, whatever its build tags.
type tree struct {
	sources []source
	drivers map[string]bool // folders of drivers
}

func load(t *testing.T) tree {
	t.Helper()
	all := tree{drivers: map[string]bool{}}
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		all.sources = append(all.sources, source{
			path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			lines: bytes.Count(text, []byte("\n")), file: f, fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all.findDrivers()
	return all
}

// findDrivers marks every package below a domain that imports the domain and is
// neither face, remote nor suite. A part of a domain cannot import it: a cycle.
func (all tree) findDrivers() {
	for _, s := range all.sources {
		domain := top(s.dir)
		if domains[domain] != 0 && s.dir != domain && !s.test && all.role(s.dir) == inside &&
			slices.Contains(s.imports(), module+"/"+domain) {
			all.drivers[s.dir] = true
		}
	}
}

func (all tree) role(dir string) role {
	switch name := path.Base(dir); {
	case name == top(dir)+"api":
		return face
	case name == top(dir)+"rpc":
		return remote
	case strings.HasSuffix(name, "test"):
		return suite
	case all.drivers[dir]:
		return driver
	}
	return inside
}

// TestImports keeps the import rules: who may know whom.
func TestImports(t *testing.T) {
	all := load(t)
	for _, s := range all.sources {
		for _, p := range s.imports() {
			if why := all.forbids(s, p); why != "" {
				t.Errorf("%s imports %s: %s", s.path, strings.TrimPrefix(p, module+"/"), why)
			}
		}
	}
}

// forbids says why s may not import p and what to do, or "".
func (all tree) forbids(s source, p string) string {
	if hasPath(p, []string{"go.uber.org/fx"}) {
		return forbidsFx(s)
	}
	if hasPath(p, cgo) && !tagged(s) {
		return "it links C: add a build tag (libvirt, ceph), and a file without it that answers fault.Unsupported"
	}
	if !hasPath(p, []string{module}) {
		return ""
	}
	to := strings.TrimPrefix(strings.TrimPrefix(p, module), "/")
	toTop := top(to)
	switch from := top(s.dir); {
	case slices.Contains(leaves, toTop) && toTop != from:
		return "nothing imports examples or tools: move what is shared into a package of its own"
	case strings.HasSuffix(to, "test") && !isTest(s) && !slices.Contains(leaves, from):
		return "only tests import a test package: move what is shared into a package of its own"
	case from == "kit":
		return forbidsKit(s, to)
	case domains[from] != 0 && !s.test: // tests are free: the compiler refuses their cycles
		return all.forbidsDomain(s, to)
	case from == "internal" && toTop != "internal" && to != "kit/fault":
		return "internal/ knows kit/fault and libraries only: pass in what it needs"
	}
	return ""
}

func forbidsFx(s source) string {
	composes := s.dir == "." || top(s.dir) == "embedded" || slices.Contains(leaves, top(s.dir))
	if s.test || composes || path.Base(s.path) == "module.go" {
		return ""
	}
	return "fx belongs in module.go: keep a plain constructor here and provide it there"
}

func forbidsKit(s source, to string) string {
	own, part := second(s.dir), second(to)
	allowed, known := kit[own]
	switch {
	case !known:
		return "the kit has no part " + own + ": add it to the table in layout_test.go, with its place in the order"
	case top(to) != "kit":
		return "the kit knows no domain: take an interface that the domain implements"
	case part == own || slices.Contains(allowed, part) || isTest(s):
		return ""
	}
	return fmt.Sprintf("kit/%s may import only %v of the kit", own, allowed)
}

func (all tree) forbidsDomain(s source, to string) string {
	r, from, toTop := all.role(s.dir), top(s.dir), top(to)
	switch {
	case toTop == "kit":
		if list := kitOf[r]; list != nil && !slices.Contains(list, second(to)) {
			return fmt.Sprintf("a package of this kind may import only %v of the kit: the Manager does the rest, once", list)
		}
	case toTop == "internal":
		if r != driver && r != suite {
			return "internal/ is what drivers share: use it from a driver"
		}
	case domains[toTop] == 0:
		return "a domain knows the kit and lower domains: pass in what it needs"
	case toTop == from:
		if r != suite && all.role(to) != inside {
			return "a domain's face, client and drivers do not know each other, and it knows none of them: go through Service or Driver"
		}
	case domains[toTop] >= domains[from]:
		return fmt.Sprintf("%s does not stand below %s: declare the interface that is needed here and let the other implement it", toTop, from)
	case r == driver:
		return "a driver knows only its own domain: have its Manager pass the values"
	case to != toTop && r != suite:
		return fmt.Sprintf("across domains only Service and ids: import %s, not what is below it", toTop)
	}
	return ""
}

// top and second are the first and the second element of a path.
func top(p string) string { return strings.SplitN(p, "/", 2)[0] }

func second(p string) string {
	_, below, _ := strings.Cut(p, "/")
	return top(below)
}

// isTest reports whether only tests use the file.
func isTest(s source) bool { return s.test || strings.HasSuffix(s.dir, "test") }

// tagged reports whether the file is left out of a build without the tags that mean C.
func tagged(s source) bool {
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if e, err := constraint.Parse(c.Text); err == nil {
				return !e.Eval(func(tag string) bool { return tag != "libvirt" && tag != "ceph" })
			}
		}
	}
	return false
}

func hasPath(p string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return p == root || strings.HasPrefix(p, root+"/") })
}

// TestPureGo finds C below the untagged build, however deep.
func TestPureGo(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Standard,CgoFiles", "./...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Standard   bool
			CgoFiles   []string
		}
		if err := d.Decode(&p); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if !p.Standard && len(p.CgoFiles) > 0 {
			t.Errorf("%s links C in the build without tags: put what imports it behind a build tag (go mod why %[1]s)", p.ImportPath)
		}
	}
}
