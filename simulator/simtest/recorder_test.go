package simtest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// recorder is a testing.TB of a test that may fail: what it says is kept, and nothing of it reaches the real one.
type recorder struct {
	testing.TB
	dir      string
	mu       sync.Mutex
	text     strings.Builder
	failed   bool
	cleanups []func()
}

// record runs a test that is expected to fail, with its cleanups, and returns what it said.
func record(t *testing.T, test func(t testing.TB)) *recorder {
	t.Helper()
	r := &recorder{TB: t, dir: t.TempDir()}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() {
			for i := len(r.cleanups) - 1; i >= 0; i-- {
				r.cleanups[i]()
			}
		}()
		test(r)
	})
	wg.Wait()
	return r
}

func (r *recorder) say(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.WriteString(text + "\n")
}

func (r *recorder) fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Helper()                      {}
func (r *recorder) Cleanup(f func())             { r.cleanups = append(r.cleanups, f) }
func (r *recorder) ArtifactDir() string          { return r.dir }
func (r *recorder) TempDir() string              { return r.dir }
func (r *recorder) Log(args ...any)              { r.say(strings.TrimSuffix(fmt.Sprintln(args...), "\n")) }
func (r *recorder) Logf(f string, args ...any)   { r.say(fmt.Sprintf(f, args...)) }
func (r *recorder) Error(args ...any)            { r.Log(args...); r.fail() }
func (r *recorder) Errorf(f string, args ...any) { r.Logf(f, args...); r.fail() }
func (r *recorder) Fatal(args ...any)            { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(f string, args ...any) { r.Errorf(f, args...); runtime.Goexit() }
