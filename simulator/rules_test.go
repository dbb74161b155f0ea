package simulator_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers lists each package with the packages of this module that it may import, and why no others. A layer imports
// only layers below it, so data goes one way.
var layers = map[string]struct {
	may []string
	why string
}{
	"authoritative/zone":    {nil, "a zone is data and lookup; whoever needs it brings the rest"},
	"authoritative/sign":    {[]string{"authoritative/zone"}, "signing turns a zone into a zone"},
	"authoritative":         {[]string{"authoritative/zone", "authoritative/sign"}, "the servers are honest: they know nothing of faults, scenarios or simulation"},
	"authoritative/interop": {nil, "it holds tests against real servers alone"},
	"resolver/cache":        {[]string{"resolver/validate"}, "a cache is data; every call takes now"},
	"resolver/validate":     {nil, "a verdict depends on its arguments alone"},
	"resolver/iterate":      {[]string{"resolver/cache", "resolver/validate"}, "iteration fills the cache and judges nothing"},
	"resolver":              {[]string{"resolver/cache", "resolver/validate", "resolver/iterate"}, "the servers are honest: they know nothing of faults, scenarios or simulation"},
	"scenarios":             {[]string{"authoritative/zone"}, "a scenario is plain data; below the builder nothing reads TOML"},
	"simulator/clock":       {nil, "time comes first"},
	"simulator/network":     {[]string{"simulator/clock"}, "the network carries bytes and knows no DNS server"},
	"simulator/stub":        {nil, "a client's stub is as honest as the servers"},
	"simulator/fault": {[]string{"authoritative", "authoritative/zone", "authoritative/sign", "resolver", "scenarios", "simulator/network"},
		"faults act through the network, processes and the servers' administration, not through the world's insides"},
	"simulator/edge":     {[]string{"simulator/clock", "simulator/network"}, "the edge puts the network onto real sockets"},
	"simulator/upstream": {[]string{"simulator/clock"}, "what reaches real servers needs nothing of the world but its time"},
	"simulator/relay": {[]string{"simulator/clock", "simulator/network", "simulator/upstream"},
		"the way out of the world is a program on its network, with real servers behind it"},
	"simulator": {[]string{"authoritative", "authoritative/zone", "authoritative/sign", "resolver", "scenarios", "simulator/clock",
		"simulator/network", "simulator/fault", "simulator/stub", "simulator/edge", "simulator/relay"}, "the world is the only place where faults meet servers"},
	"simulator/play": {[]string{"scenarios", "simulator", "simulator/clock", "simulator/fault"}, "the player drives a world from outside"},
	"simulator/live": {[]string{"scenarios", "simulator", "simulator/edge", "simulator/play"}, "a host puts a world onto sockets and has it played; who commands it is not its business"},
	"simulator/simtest": {[]string{"scenarios", "simulator", "simulator/clock", "simulator/edge", "simulator/fault", "simulator/network", "simulator/play", "simulator/stub"},
		"a test sees the world from outside, as whoever commands a running one does"},
	"simulator/enclosure": {nil, "namespaces are the system's affair; what is served in them is not theirs"},
	"simulator/running":   {nil, "the record of running worlds is files; it knows no world"},
	"simulator/recording": {[]string{"simulator", "simulator/network"}, "a recording sees what crosses the network, and is seen by nobody"},
	"simulator/pcap":      {[]string{"simulator/network", "simulator/recording"}, "a capture is made of legs alone"},
	"simulator/dnstap":    {[]string{"simulator", "simulator/clock", "simulator/network", "simulator/recording"}, "dnstap is made of legs and of who the nodes are"},
	"simulator/metrics":   {[]string{"authoritative/zone", "simulator", "simulator/network", "simulator/recording"}, "metrics look at a world and change nothing"},
	"cmd/faultzone": {[]string{"simulator/dnstap", "simulator/metrics", "simulator/pcap", "simulator/recording", "simulator/live", "simulator/running", "simulator/enclosure", "scenarios", "simulator", "simulator/clock", "simulator/edge", "simulator/fault", "simulator/play"},
		"the command line speaks to the world, not to its servers"},
}

// sources calls f with each Go file of the module that is no test.
func sources(t *testing.T, mode parser.Mode, f func(pkg, file string, tree *ast.File, positions *token.FileSet)) {
	t.Helper()
	root := ".."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != root && (strings.HasPrefix(base, ".") || base == "testdata") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != root {
				return filepath.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		positions := token.NewFileSet()
		tree, err := parser.ParseFile(positions, name, nil, mode)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		f(path.Dir(rel), rel, tree, positions)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsGoDownTheLayers(t *testing.T) {
	seen := 0
	sources(t, parser.ImportsOnly, func(pkg, file string, tree *ast.File, _ *token.FileSet) {
		seen++
		layer, known := layers[pkg]
		if !known {
			t.Errorf("%s: the package %s has no place among the layers; give it one in this test", file, pkg)
			return
		}
		for _, i := range tree.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			below, ours := strings.CutPrefix(name, "faultzone/")
			if ours && !slices.Contains(layer.may, below) {
				t.Errorf("%s imports %s: %s", file, name, layer.why)
			}
		}
	})
	if seen < 50 {
		t.Fatalf("only %d files were looked at", seen)
	}
}

// Everything in the world reads the world's clock: the wall is read in simulator/clock alone.
func TestNobodyElseReadsTheWall(t *testing.T) {
	forbidden := map[string][]string{
		"time":    {"Now", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Since", "Until"},
		"context": {"WithTimeout", "WithDeadline", "WithTimeoutCause", "WithDeadlineCause", "AfterFunc"},
		// These take IDs and times from outside of the world.
		"github.com/miekg/dns": {"Id"},
		"crypto/rand":          {"Read", "Int", "Reader"},
	}
	sources(t, parser.SkipObjectResolution, func(pkg, file string, tree *ast.File, positions *token.FileSet) {
		if pkg == "simulator/clock" {
			return
		}
		names := map[string][]string{} // the file's name of a package → what it must not use of it
		for _, i := range tree.Imports {
			imported, _ := strconv.Unquote(i.Path.Value)
			if banned, ok := forbidden[imported]; ok {
				local := path.Base(imported)
				if i.Name != nil {
					local = i.Name.Name
				}
				names[local] = banned
			}
			if imported == "math/rand" {
				t.Errorf("%s imports math/rand: random numbers come from a named stream of the world's seed", file)
			}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && slices.Contains(names[x.Name], s.Sel.Name) {
				t.Errorf("%s: %s.%s: everything in the world goes by the world's clock and seed", positions.Position(s.Pos()), x.Name, s.Sel.Name)
			}
			return true
		})
	})
}

// No package keeps state of its own, so a hundred worlds live side by side in one program: there are no init functions,
// and package variables are errors, embedded files, or interface checks.
func TestNoPackageHasGlobals(t *testing.T) {
	sources(t, parser.SkipObjectResolution|parser.ParseComments, func(pkg, file string, tree *ast.File, positions *token.FileSet) {
		for _, d := range tree.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: an init function", positions.Position(d.Pos()))
				}
			case *ast.GenDecl:
				if d.Tok != token.VAR || d.Doc != nil && strings.Contains(lastComment(d.Doc), "go:embed") {
					continue
				}
				for _, s := range d.Specs {
					for _, name := range s.(*ast.ValueSpec).Names {
						if name.Name != "_" && !strings.HasPrefix(strings.ToLower(name.Name), "err") {
							t.Errorf("%s: the package variable %s: what changes belongs to a value, what does not into a constant or a function",
								positions.Position(name.Pos()), name.Name)
						}
					}
				}
			}
		}
	})
}

func lastComment(g *ast.CommentGroup) string { return g.List[len(g.List)-1].Text }
