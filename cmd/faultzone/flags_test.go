package main

import (
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// permute moves a command's flags, with their values, in front of its arguments.
func TestPermute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"test", "test"},
		{"--version", "--version"},
		{"--help test x", "--help test -- x"},
		{"test x --json", "test --json -- x"},
		{"test --json x", "test --json -- x"},
		{"test x -v y", "test -v -- x y"},
		{"test x --seed 3 y", "test --seed 3 -- x y"},
		{"test x -seed=3 y", "test -seed=3 -- x y"},
		{"test x --seed", "test --seed"},
		{"run x --speed -5", "run --speed -5 -- x"},
		{"run x --once --addr-file f", "run --once --addr-file f -- x"},
		{"test x --json=false y", "test --json=false -- x y"},
		{"test x --no-such y", "test --no-such -- x y"},
		{"test - --json", "test --json -- -"},
		{"test x -- --json -v", "test -- x --json -v"},
		{"test --json -- x -- y", "test --json -- x -- y"},
		{"test --", "test"},
		{"exec x --as y -- dig --as z", "exec --as y -- x -- dig --as z"},
		{"exec --as y x", "exec --as y -- x"},
		{"exec --attach -- dig -- z", "exec --attach -- -- dig -- z"},
		{"no-such x --json", "no-such x --json"},
		{"-- test x --json", "-- test x --json"},
	} {
		args := append([]string{"faultzone"}, strings.Fields(c.in)...)
		before := slices.Clone(args)
		got := strings.Join(permute(newApp(io.Discard, io.Discard), args)[1:], " ")
		if got != c.want {
			t.Errorf("%q became %q, want %q", c.in, got, c.want)
		}
		if !slices.Equal(args, before) {
			t.Errorf("%q: the arguments themselves were changed", c.in)
		}
	}
}

func FuzzPermute(f *testing.F) {
	f.Add("test x --seed 3 -- --json")
	f.Add("run --speed -5 -v - --")
	f.Fuzz(func(t *testing.T, line string) {
		in := append([]string{"faultzone"}, strings.Fields(line)...)
		out := permute(newApp(io.Discard, io.Discard), in)
		for _, a := range out {
			if a != "--" && !slices.Contains(in, a) {
				t.Errorf("%q became %q: nobody wrote %q", in, out, a)
			}
		}
		// An exec's command may have a "--" of its own, so what is permuted cannot be told from what is not.
		if again := permute(newApp(io.Discard, io.Discard), out); !slices.Equal(again, out) && !slices.Contains(in, "exec") {
			t.Errorf("%q became %q, and that became %q", in, out, again)
		}
	})
}

func TestVersionTellsTheBuild(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
		{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "arm64"},
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
	}}
	if got, want := versionOf(info), "(devel) 0123456789ab with changes, go1.26.8 linux/arm64"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	info = &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}, Settings: info.Settings[:2]}
	if got, want := versionOf(info), "v1.2.3, go1.26.8 linux/arm64"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
