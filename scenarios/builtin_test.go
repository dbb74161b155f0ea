package scenarios

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// Everything in the catalogue loads but for the names of faults, which this package does not know.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	names := Names()
	if len(names) == 0 || !slices.IsSorted(names) {
		t.Fatalf("the catalogue is %q", names)
	}
	for _, name := range names {
		s, warnings, err := Builtin(name, Vocabulary{})
		var all Errors
		errors.As(err, &all)
		for _, e := range all {
			if !strings.Contains(e.Message, "there is no fault") {
				t.Error(e)
			}
		}
		for _, w := range warnings {
			t.Error(w)
		}
		if s != nil && s.Name != name {
			t.Errorf("%s is named %q", name, s.Name)
		}
		if text, err := Source(name); err != nil || len(text) == 0 {
			t.Errorf("the text of %s: %v", name, err)
		}
	}
}

func TestUnknownBuiltin(t *testing.T) {
	t.Parallel()
	name := Names()[0]
	wrong := name + "x"
	_, _, err := Builtin(wrong, Vocabulary{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), `there is no built-in scenario "`+wrong+`"; did you mean "`+name+`"?`) {
		t.Errorf("got %v", err)
	}
	if _, err := Source("../worlds/solvethenetwork/world"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path was taken for a name: %v", err)
	}
}
