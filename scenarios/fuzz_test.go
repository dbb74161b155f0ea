package scenarios

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// FuzzLoad loads anything: it gives a scenario or errors with positions inside the file, and never both.
func FuzzLoad(f *testing.F) {
	for _, fsys := range []struct{ dir, pattern string }{
		{"testdata/bad", "*.toml"}, {"testdata/good", "*.toml"}, {"catalogue", "*.toml"},
	} {
		for _, text := range filesOf(f, fsys.dir, fsys.pattern) {
			f.Add(text)
		}
	}
	bases := tree{os.DirFS("testdata")}
	vocabulary := testVocabulary()
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{
			"x.toml":       {Data: []byte(text)},
			"zones/x.zone": {Data: []byte("$TTL 5\n@ IN SOA a b 1 2 3 4 5\n@ IN NS a\na IN A 10.0.0.1\n")},
		}
		s, _, err := load(tree{fsys}, "x.toml", vocabulary, bases)
		if (s == nil) != (err != nil) {
			t.Fatalf("scenario %v with error %v", s, err)
		}
		if err == nil {
			sound(t, s)
			return
		}
		var all Errors
		if !errors.As(err, &all) || len(all) == 0 {
			t.Fatalf("%T is not Errors", err)
		}
		lines := strings.Count(text, "\n") + 1
		for _, e := range all {
			if e.File == "x.toml" && (e.Line < 0 || e.Line > lines) || e.File == "" || e.Message == "" {
				t.Fatalf("the error %v stands in none of %d lines", e, lines)
			}
		}
	})
}

// filesOf reads the files of a folder; a folder that is not there has none.
func filesOf(tb testing.TB, dir, pattern string) []string {
	tb.Helper()
	names, err := fs.Glob(os.DirFS(dir), pattern)
	if err != nil {
		tb.Fatal(err)
	}
	var all []string
	for _, name := range names {
		text, err := fs.ReadFile(os.DirFS(dir), name)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// sound checks what those who build worlds may rely on.
func sound(t *testing.T, s *Scenario) {
	t.Helper()
	if len(s.World.Servers) == 0 || len(s.World.Vantage) == 0 || s.Start.Location() != time.UTC {
		t.Errorf("servers %v, vantage %v, start %v", s.World.Servers, s.World.Vantage, s.Start)
	}
	if c := s.World.Calendar; c.Refresh <= 0 || c.Refresh >= c.Validity {
		t.Errorf("calendar %+v", c)
	}
	for _, server := range s.World.Servers {
		if len(server.Addresses) == 0 || len(server.Views) == 0 {
			t.Errorf("server %+v", server)
		}
		for _, view := range server.Views {
			for _, z := range view.Zones {
				if (z.Data == "") == (len(z.Primaries) == 0) || !strings.HasSuffix(z.Origin, ".") {
					t.Errorf("zone %+v", z)
				}
			}
		}
	}
	if u := s.World.Upstream; u != nil && (len(u.Servers) == 0 || len(u.Addresses) != 2) {
		t.Errorf("upstream %+v", u)
	}
	for _, web := range s.World.Web {
		if len(web.Addresses) == 0 || web.Port == 0 || web.Port == 53 {
			t.Errorf("web host %+v", web)
		}
		for _, r := range web.Responses {
			if r.Path == "" || r.Path[0] != '/' || r.Status < 200 || r.Status > 599 || r.Type == "" {
				t.Errorf("response %+v", r)
			}
		}
	}
	at, expects := time.Duration(0), false
	for _, step := range s.Steps {
		if step.At < at {
			t.Errorf("step %v goes back in time", step.Pos)
		}
		at, expects = step.At+step.Advance, expects || step.Expect != nil
	}
	if !expects {
		t.Error("a scenario without an expectation was loaded")
	}
}

// BenchmarkLoad loads a small scenario on the base world, which is most of the work.
func BenchmarkLoad(b *testing.B) {
	const text = `base = "solvethenetwork"
[[step]]
inject = "server-down"
node = "ns1"
[[step]]
query = "api.solvethenetwork.com."
via = "resolver-a"
expect = { rcode = "NOERROR" }
`
	fsys := tree{fstest.MapFS{"x.toml": {Data: []byte(text)}}}
	vocabulary := testVocabulary()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := load(fsys, "x.toml", vocabulary, tree{embedded()}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOutline marks the largest TOML file there is.
func BenchmarkOutline(b *testing.B) {
	text, err := fs.ReadFile(embedded(), "worlds/solvethenetwork/world.toml")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := outline(string(text)); err != nil {
			b.Fatal(err)
		}
	}
}
