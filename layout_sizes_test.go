package nacre_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// Budgets of size. Raising one is a decision for review, with its reason.
const (
	maxFileLines     = 400
	maxFuncLines     = 50 // at the 95th percentile
	maxMethods       = 12 // an interface's own; embedded ones count for themselves
	maxMakefileLines = 60
)

// vague are names that say nothing about what is in a package.
var vague = []string{"pkg", "common", "util", "utils", "helper", "helpers", "model", "models", "types", "core", "server", "misc", "base"}

// TestPackages checks that each package has a telling name and a charter.
func TestPackages(t *testing.T) {
	documented, names := map[string]bool{}, map[string]string{}
	for _, s := range load(t).sources {
		if s.test {
			continue
		}
		names[s.dir] = s.file.Name.Name
		documented[s.dir] = documented[s.dir] || s.file.Doc != nil
	}
	for dir, name := range names {
		if slices.Contains(vague, name) || slices.Contains(vague, path.Base(dir)) {
			t.Errorf("%s: the name %s says nothing: name the package after what it provides", dir, name)
		}
		if !documented[dir] {
			t.Errorf("%s: no package doc: say what it is, who calls it, who implements it, what it promises", dir)
		}
	}
}

// TestSizes keeps files, functions and interfaces small enough to read at once.
func TestSizes(t *testing.T) {
	type function struct {
		lines int
		where string
	}
	var functions []function
	for _, s := range load(t).sources {
		if s.lines > maxFileLines {
			t.Errorf("%s has %d lines, %d are allowed: split it by subject", s.path, s.lines, maxFileLines)
		}
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				at, end := s.fset.Position(n.Pos()), s.fset.Position(n.End())
				functions = append(functions, function{end.Line - at.Line + 1, fmt.Sprintf("%s: %s", at, n.Name.Name)})
			case *ast.InterfaceType:
				if own := ownMethods(n); own > maxMethods {
					t.Errorf("%s: an interface of %d methods, %d are allowed: compose it from smaller ones by subject",
						s.fset.Position(n.Pos()), own, maxMethods)
				}
			}
			return true
		})
	}
	slices.SortFunc(functions, func(a, b function) int { return b.lines - a.lines })
	if over := len(functions) / 20; functions[over].lines > maxFuncLines {
		t.Errorf("the 95th percentile of functions is %d lines, %d are allowed: split the longest by step", functions[over].lines, maxFuncLines)
		for _, f := range functions[:over] {
			t.Logf("%4d lines  %s", f.lines, f.where)
		}
	}
	if text, err := os.ReadFile("Makefile"); err != nil {
		t.Error(err)
	} else if n := bytes.Count(text, []byte("\n")); n > maxMakefileLines {
		t.Errorf("Makefile has %d lines, %d are allowed: move what is long into tools/", n, maxMakefileLines)
	}
}

func ownMethods(i *ast.InterfaceType) int {
	n := 0
	for _, m := range i.Methods.List {
		n += len(m.Names) // embedded interfaces have none
	}
	return n
}

var (
	created    = regexp.MustCompile(`(?i)CREATE TABLE (?:IF NOT EXISTS )?(\w+)`)
	referenced = regexp.MustCompile(`(?i)\b(?:REFERENCES|JOIN) (\w+)`)
)

// TestMigrations checks that what declares Migrations has them, and that no
// foreign key leaves its domain, so that each can live in a database of its own.
func TestMigrations(t *testing.T) {
	for _, s := range load(t).sources {
		if path.Base(s.path) != "module.go" || !declares(s.file, "Migrations") {
			continue
		}
		files, err := filepath.Glob(filepath.Join(s.dir, "migrations", "[0-9]*_*.up.sql"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s declares Migrations: add %s/migrations/<time>_<what>.up.sql", s.path, s.dir)
		}
		var text []byte
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, b...)
		}
		own := map[string]bool{}
		for _, m := range created.FindAllSubmatch(text, -1) {
			own[string(m[1])] = true
		}
		for _, m := range referenced.FindAllSubmatch(text, -1) {
			if !own[string(m[1])] {
				t.Errorf("%s/migrations: refers to table %s of another domain: keep its id as plain text", s.dir, m[1])
			}
		}
	}
}

func declares(f *ast.File, name string) bool {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && slices.ContainsFunc(v.Names, func(n *ast.Ident) bool { return n.Name == name }) {
				return true
			}
		}
	}
	return false
}
