// Package running keeps the record of the worlds that run on this machine, so that a second program finds them by
// itself: a file a world, in a folder that only its user reads.
//
// A record is locked for as long as its program lives. The system takes the lock away however that ends, so a killed
// world leaves a file behind that nobody takes for a world, and that the next look takes away.
package running

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// World is the record of one running world.
type World struct {
	// ID is what people call it by: the scenario's name, with a number behind it where that is taken.
	ID string `json:"id"`
	// PID is the process of the world.
	PID int `json:"pid"`
	// Command is the program's command that runs it: "run" or "exec".
	Command string `json:"command"`
	// Scenario is the scenario's name, and Title its line.
	Scenario string `json:"scenario"`
	Title    string `json:"title"`
	// Control is the base URL of its HTTP API, such as "http://127.0.0.1:41234"; empty: it has none. Token is what a
	// call has to bring along. The record's file has mode 0600.
	Control string `json:"control,omitempty"`
	Token   string `json:"token,omitempty"`
	// Inside is a process in the world's namespaces, for another to enter them; 0: it has none.
	Inside int `json:"inside,omitempty"`
}

// Dir is the folder of the records: $FAULTZONE_RUNTIME_DIR, else faultzone in $XDG_RUNTIME_DIR, else one of the user's own
// in the folder for temporary files.
func Dir() string {
	if dir := os.Getenv("FAULTZONE_RUNTIME_DIR"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "faultzone")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("faultzone-%d", os.Getuid()))
}

// Record is a record that is held.
type Record struct {
	World
	path string
	file *os.File
}

// mostWorlds bounds the search for a free ID.
const mostWorlds = 1000

// Announce records a world in the folder, which is made where there is none. A world whose ID is taken gets another,
// which the record tells. The caller closes it when the world ends.
func Announce(dir string, w World) (*Record, error) {
	if err := private(dir); err != nil {
		return nil, err
	}
	done, err := turn(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder for the records of running worlds: %w; name another with FAULTZONE_RUNTIME_DIR", err)
	}
	defer done()
	wish := fileName(w.ID)
	for i := 1; i <= mostWorlds; i++ {
		w.ID = wish
		if i > 1 {
			w.ID = fmt.Sprintf("%s-%d", wish, i)
		}
		r := &Record{World: w, path: filepath.Join(dir, w.ID+ending)}
		switch err := r.take(); {
		case errors.Is(err, errHeld):
			continue
		case err != nil:
			return nil, err
		}
		return r, r.Update(w)
	}
	return nil, fmt.Errorf("%d worlds named %s run already", mostWorlds, wish)
}

const ending = ".world"

// fileName is a name with nothing in it that a file's name cannot have.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, name)
	if name = strings.Trim(name, "-"); name == "" {
		return "world"
	}
	return name[:min(len(name), 100)]
}

// private makes the folder, or makes sure that the one there is the user's own.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the folder for the records of running worlds: %w; name another with FAULTZONE_RUNTIME_DIR", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !ours(info) || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a folder that only this user writes to: name another with FAULTZONE_RUNTIME_DIR", dir)
	}
	return nil
}

// turn waits until nobody else makes records or looks at them. Who looks holds each for a moment, and that is not to be
// taken for a world's hold, nor is half a record for a whole one.
func turn(dir string) (done func(), err error) {
	f, err := os.Open(dir) // a folder can be locked as a file can
	if err != nil {
		return nil, err
	}
	if err := wait(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

var errHeld = errors.New("another program holds it")

// take opens the record's file and locks it. A file that was taken away between the two is not the record any more.
func (r *Record) take() error {
	for {
		f, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
		if err != nil {
			return err
		}
		if err := lock(f); err != nil {
			f.Close()
			return err
		}
		if same(f, r.path) {
			r.file = f
			return nil
		}
		f.Close()
	}
}

func same(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Lstat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// Update writes the record anew. Its ID stays.
func (r *Record) Update(w World) error {
	w.ID = r.ID
	data, err := json.Marshal(w)
	if err != nil {
		return err
	}
	if err := r.file.Truncate(0); err != nil {
		return err
	}
	if _, err := r.file.WriteAt(data, 0); err != nil {
		return err
	}
	r.World = w
	return nil
}

// Path is the record's file.
func (r *Record) Path() string { return r.path }

// Close takes the record away.
func (r *Record) Close() error {
	return errors.Join(os.Remove(r.path), r.file.Close())
}

// List gives the worlds that run, by their IDs, and takes away the records of those that do not any more.
func List(dir string) ([]World, error) {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err := private(dir); err != nil {
		return nil, err
	}
	done, err := turn(dir)
	if err != nil {
		return nil, fmt.Errorf("the records of running worlds: %w", err)
	}
	defer done()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the records of running worlds: %w", err)
	}
	var list []World
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ending) {
			continue
		}
		if w, ok := read(filepath.Join(dir, e.Name())); ok {
			list = append(list, w)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list, nil
}

// read reads a record that somebody holds, and takes away one that nobody does.
func read(path string) (w World, ok bool) {
	f, err := os.OpenFile(path, os.O_RDWR|noFollow, 0)
	if err != nil {
		return w, false
	}
	defer f.Close()
	if err := lock(f); !errors.Is(err, errHeld) {
		if err == nil && same(f, path) {
			os.Remove(path)
		}
		return w, false
	}
	return w, json.NewDecoder(f).Decode(&w) == nil
}

// Find gives the world of that ID or, for an empty one, the only one there is. An error says which there are.
func Find(dir, id string) (World, error) {
	list, err := List(dir)
	if err != nil {
		return World{}, err
	}
	var ids []string
	for _, w := range list {
		if w.ID == id || id == "" && len(list) == 1 {
			return w, nil
		}
		ids = append(ids, w.ID)
	}
	switch {
	case len(list) == 0:
		return World{}, errors.New("no world runs on this machine: start one with faultzone run")
	case id == "":
		return World{}, fmt.Errorf("several worlds run: say which with --world: %s", strings.Join(ids, ", "))
	}
	return World{}, fmt.Errorf("no running world is called %q; there are: %s", id, strings.Join(ids, ", "))
}
