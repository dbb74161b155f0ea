package simtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"faultzone/simulator"
)

// told is what resolvers say of a question's path.
type told struct {
	from, to int // the journal's entries between which it was under way
	traces   []*simulator.Trace
}

// mostTold bounds how many paths are kept for the case that the test fails.
const mostTold = 256

// tell keeps what resolvers said of a question.
func (w *World) tell(from, to int, traces []*simulator.Trace) {
	if len(traces) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.told) == mostTold {
		w.told = append(w.told[:0], w.told[mostTold/2:]...)
	}
	w.told = append(w.told, told{from, to, traces})
}

// explain tells, of a test that failed, the ways of the questions that did, and leaves the journal behind.
func (w *World) explain() {
	w.t.Helper()
	const mostQueries, mostLines = 5, 32
	failing := w.failing()
	if len(failing) == 0 {
		w.t.Log("every question from outside brought a good answer")
	}
	if len(failing) > mostQueries {
		w.t.Logf("%d questions from outside brought no good answer; of the last %d:", len(failing), mostQueries)
		failing = failing[len(failing)-mostQueries:]
	}
	for _, q := range failing {
		text := q.String() + "\n  its way through the world:" + indented(shortened(w.world.Journal().Between(q.first, q.last+1), mostLines))
		for _, trace := range w.tracesOf(q) {
			text += fmt.Sprintf("\n  %s for %s:", trace.Query, trace.Client) + indented(shortened(trace.Lines(), mostLines))
		}
		w.t.Log(text)
	}
	file, err := w.writeJournal()
	if errors.Is(err, fs.ErrNotExist) { // a folder for the time of the test, that is gone with an earlier world's end
		w.t.Log("the journal is kept with go test -artifacts")
		return
	}
	if err != nil {
		w.t.Logf("the journal cannot be written: %v", err)
		return
	}
	w.t.Logf("the journal is in %s (kept with go test -artifacts)", file)
}

// shortened are lines of which the middle is left out where they are too many: the end is what counts most.
func shortened(lines []string, most int) []string {
	if len(lines) <= most {
		return lines
	}
	short := append([]string(nil), lines[:most/2]...)
	short = append(short, fmt.Sprintf("(%d lines are left out)", len(lines)-most))
	return append(short, lines[len(lines)-most/2:]...)
}

func (w *World) tracesOf(q Query) []*simulator.Trace {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.told {
		if t.from <= q.first && q.first < t.to {
			return t.traces
		}
	}
	return nil
}

// writeJournal puts the journal into the test's artifact folder, in a file that no other world of the test has.
func (w *World) writeJournal() (string, error) {
	dir, name := w.t.ArtifactDir(), "journal"
	for i := 2; ; i++ {
		file := filepath.Join(dir, name+".jsonl")
		f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if os.IsExist(err) {
			name = fmt.Sprintf("journal-%d", i)
			continue
		}
		if err != nil {
			return "", err
		}
		err = w.world.Journal().Write(f)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		return file, err
	}
}
