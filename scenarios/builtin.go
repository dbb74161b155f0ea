package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// builtin holds the catalogue of scenarios, catalogue/NAME.toml, and the worlds that scenarios are based on,
// worlds/NAME/world.toml with its zone files beside it.
//
//go:embed catalogue/*.toml worlds
var builtin embed.FS

func embedded() fs.FS { return builtin }

// Builtin reads a scenario of the catalogue.
func Builtin(name string, v Vocabulary) (*Scenario, []Warning, error) {
	if _, err := Source(name); err != nil {
		return nil, nil, err
	}
	return LoadFS(embedded(), catalogued(name), v)
}

// Worlds lists the worlds that scenarios can be based on, sorted.
func Worlds() []string { return worldNames(tree{embedded()}) }

// BuiltinWorld is a built-in world by itself: a scenario without steps.
func BuiltinWorld(name string, v Vocabulary) (*Scenario, []Warning, error) {
	s, warnings, err := loadAs(tree{embedded()}, path.Join("worlds", name, "world.toml"), v, tree{embedded()}, true)
	if s != nil {
		s.Name = name
	}
	return s, warnings, err
}

// Names lists the catalogue, sorted.
func Names() []string {
	files, err := fs.Glob(embedded(), catalogued("*"))
	if err != nil {
		return nil // the pattern is a constant and a good one
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(path.Base(file), ".toml")
	}
	slices.Sort(names)
	return names
}

// Source gives the text of a scenario of the catalogue. The error for a name that it does not have says which is
// nearest, and is fs.ErrNotExist to errors.Is.
func Source(name string) ([]byte, error) {
	names := Names()
	if !slices.Contains(names, name) {
		return nil, Errors{{
			Message: fmt.Sprintf("there is no built-in scenario %s%s", quote(name), suggest(name, names)),
			cause:   fs.ErrNotExist,
		}}
	}
	return fs.ReadFile(embedded(), catalogued(name))
}

func catalogued(name string) string { return "catalogue/" + name + ".toml" }
