package scenarios

import (
	"io/fs"
	"net/netip"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Load reads a scenario from a file. Its zone files are relative to it.
//
// What is wrong with it is told all at once, as [Errors]; the scenario is then nil. Warnings are told either way.
func Load(path string, v Vocabulary) (*Scenario, []Warning, error) {
	return load(disk{}, path, v, tree{embedded()})
}

// LoadWorld is Load for a world that is only to be served: it may have no steps, and expect nothing.
func LoadWorld(path string, v Vocabulary) (*Scenario, []Warning, error) {
	return loadAs(disk{}, path, v, tree{embedded()}, true)
}

// LoadFS is Load from a file system.
func LoadFS(fsys fs.FS, path string, v Vocabulary) (*Scenario, []Warning, error) {
	return load(tree{fsys}, path, v, tree{embedded()})
}

// defaultStart is the moment at which a scenario begins that does not say: in the middle of the base world's first
// signatures.
func defaultStart() time.Time { return time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC) }

// defaultSeed is the seed of a scenario that names none.
const defaultSeed = 1

// loader reads one scenario.
type loader struct {
	problems
	vocabulary Vocabulary
	worldOnly  bool  // nothing need be expected
	bases      files // worlds/NAME/world.toml
	file       *source
	base       string

	keys      map[string]bool // TSIG keys, canonical
	nodes     map[string]inhabitant
	addresses map[netip.Addr]inhabitant
	zones     map[string][]place // by origin
	masters   map[masterID]*master
	later     []func()
}

func load(from files, path string, v Vocabulary, bases files) (*Scenario, []Warning, error) {
	return loadAs(from, path, v, bases, false)
}

func loadAs(from files, path string, v Vocabulary, bases files, worldOnly bool) (*Scenario, []Warning, error) {
	l := &loader{
		worldOnly:  worldOnly,
		vocabulary: v,
		bases:      bases,
		keys:       make(map[string]bool),
		nodes:      make(map[string]inhabitant),
		addresses:  make(map[netip.Addr]inhabitant),
		zones:      make(map[string][]place),
		masters:    make(map[masterID]*master),
	}
	s := l.load(from, path)
	errs, warnings := l.sorted()
	if len(errs) > 0 {
		return nil, warnings, errs
	}
	return s, warnings, nil
}

func (l *loader) load(from files, path string) *Scenario {
	l.files = append(l.files, path)
	src, err := read(from, path, maxScenario)
	if err != nil {
		l.errors = append(l.errors, Error{Position: Position{File: path}, Message: "cannot read the scenario: " + err.Error(), cause: err})
		return nil
	}
	l.file = src
	root, err := parse(src)
	if err != nil {
		l.errors = append(l.errors, asError(err))
		return nil
	}
	s := &Scenario{Name: scenarioName(path)}
	if root = l.onBase(root); root == nil {
		return nil
	}
	f := l.fields(root, "the scenario")
	s.Base = l.base
	s.Title, _ = f.text("title")
	s.Text, _ = f.text("text")
	f.get("base") // read before the base could be
	s.Start, s.Seed = l.start(f), l.seed(f)
	s.World = l.world(f)
	s.Steps = l.steps(f)
	f.done()
	return s
}

func asError(err error) Error {
	if e, ok := err.(Error); ok {
		return e
	}
	return Error{Message: err.Error(), cause: err}
}

func scenarioName(path string) string {
	return strings.TrimSuffix(filepath.Base(filepath.ToSlash(path)), ".toml")
}

// onBase puts the scenario on top of its base, if it names one; nil when there is no such base, because all names
// would then be unknown.
func (l *loader) onBase(root *node) *node {
	n := root.child("base")
	if n == nil {
		return root
	}
	name, ok := n.plain.(string)
	if !ok {
		l.wrong(n, "the name of a world")
		return nil
	}
	worlds := worldNames(l.bases)
	if !slices.Contains(worlds, name) {
		l.errorf(n.position(), "there is no world %s%s", quote(name), suggest(name, worlds))
		return nil
	}
	file := path.Join("worlds", name, "world.toml")
	l.files = append(l.files, file)
	src, err := read(l.bases, file, maxScenario)
	if err != nil {
		l.errorf(n.position(), "cannot read the world %s: %v", quote(name), err)
		return nil
	}
	base, err := parse(src)
	if err != nil {
		l.errors = append(l.errors, asError(err))
		return nil
	}
	l.base = name
	// The base's own title and text describe the base. Steps are the scenario's.
	base.entries = slices.DeleteFunc(base.entries, func(e *node) bool {
		if e.name == "base" || e.name == "step" {
			l.errorf(e.keyPosition(), "a world that scenarios are based on has no %s", e.name)
			return true
		}
		return e.name == "title" || e.name == "text"
	})
	return merge(base, root)
}

// worldNames are the names of the worlds that there are to base a scenario on.
func worldNames(bases files) []string {
	t, ok := bases.(tree)
	if !ok {
		return nil
	}
	entries, err := fs.ReadDir(t.FS, "worlds")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func (l *loader) start(f *fields) time.Time {
	if t, n := f.time("start"); n != nil {
		return t
	}
	return defaultStart()
}

func (l *loader) seed(f *fields) uint64 {
	n := f.get("seed")
	if n == nil {
		return defaultSeed
	}
	i, ok := n.plain.(int64)
	switch {
	case !ok:
		l.wrong(n, "an integer")
	case i < 0:
		l.errorf(n.position(), "seed: %d is out of range; a seed is 0 to 9223372036854775807", i)
	}
	return uint64(i)
}
