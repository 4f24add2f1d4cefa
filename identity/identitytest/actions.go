package identitytest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
)

// Actions fails t for every action that the package in dir asks identity about
// and nobody defined. It reads literals such as "volume:create" in calls of
// functions called Allow, and the second argument of others called may….
func Actions(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if action, ok := actionOf(n); ok {
				found++
				if !identity.Defined(action) {
					t.Errorf("%s: action %q has no rule: add it to identity.Define", e.Name(), action)
				}
			}
			return true
		})
	}
	if found == 0 {
		t.Errorf("no action found in %s", dir)
	}
}

func actionOf(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) < 2 || !asks(call.Fun) {
		return "", false
	}
	lit, ok := call.Args[1].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	action, err := strconv.Unquote(lit.Value)
	return action, err == nil && strings.Contains(action, ":")
}

func asks(fun ast.Expr) bool {
	name := ""
	switch f := fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	return name == "Allow" || strings.HasPrefix(name, "may") || strings.HasPrefix(name, "allow")
}
