package scenarios

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// The sizes that are still read. A scenario is a page or two; a zone of millions of records belongs into a real server.
const (
	maxScenario = 4 << 20
	maxZone     = 64 << 20
)

// source is a file that was read, and from where its neighbours are read.
type source struct {
	files files
	name  string // where it is among the files
	text  string
	lines []int // offsets of the lines' beginnings; made when first asked for
}

// files is a place with files in it: an fs.FS, or the operating system's files, whose names may be absolute and may
// climb with "..".
type files interface {
	open(name string) (fs.File, error)
	// beside resolves a name that a file mentions.
	beside(file, name string) string
	// within gives a file as part of a file system, for zone files that include others; dir is where its root is.
	within(file string) (fsys fs.FS, name, dir string)
}

type disk struct{}

func (disk) open(name string) (fs.File, error) { return os.Open(name) }

func (disk) beside(file, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(file), filepath.FromSlash(name))
}

func (disk) within(file string) (fs.FS, string, string) {
	dir, name := filepath.Split(file)
	return os.DirFS(filepath.Clean(dir)), name, dir
}

type tree struct{ fs.FS }

func (t tree) open(name string) (fs.File, error)          { return t.Open(name) }
func (tree) beside(file, name string) string              { return path.Join(path.Dir(file), name) }
func (t tree) within(file string) (fs.FS, string, string) { return t.FS, file, "" }

// read reads a whole file of at most limit octets.
func read(from files, name string, limit int64) (*source, error) {
	f, err := from.open(name)
	if err != nil {
		return nil, plainError(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, plainError(err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("the file is larger than %d MiB, the most that is read", limit>>20)
	}
	return &source{files: from, name: name, text: string(text)}, nil
}

// plainError takes the path off an error that will be told with the file's name anyway.
func plainError(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// at turns an offset of the text into a position. Columns count octets, as compilers' do.
func (s *source) at(offset int) Position {
	if s.lines == nil {
		s.lines = lineStarts(s.text)
	}
	low, high := 0, len(s.lines) // the last line that begins at or before offset
	for high-low > 1 {
		if middle := (low + high) / 2; s.lines[middle] <= offset {
			low = middle
		} else {
			high = middle
		}
	}
	return Position{File: s.name, Line: low + 1, Column: offset - s.lines[low] + 1}
}

func lineStarts(text string) []int {
	starts := make([]int, 1, 1+strings.Count(text, "\n"))
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}
