package simtest

import (
	"slices"
	"testing"
	"time"
)

func TestReadMachine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]machine{
		"":                     {servers: 2, attempts: 2, timeout: 5 * time.Second},
		"nameserver 192.0.2.1": {servers: 1, attempts: 2, timeout: 5 * time.Second},
		"# nothing\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver ::1\nnameserver ::2\nsearch Corp.example. lan\noptions ndots:5 attempts:3 timeout:1 rotate\n": {servers: 3, search: []string{"corp.example.", "lan."}, attempts: 3, timeout: time.Second},
		"domain example.org\noptions attempts:0 timeout:x": {servers: 2, search: []string{"example.org."}, attempts: 1, timeout: time.Second},
		"options timeout:9227000000 attempts:4x":           {servers: 2, attempts: 4, timeout: 0xFFFFFF * time.Second},
		"search":                                           {servers: 2, attempts: 2, timeout: 5 * time.Second},
	} {
		got := readMachine(text)
		if got.servers != want.servers || got.attempts != want.attempts || got.timeout != want.timeout || !slices.Equal(got.search, want.search) {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// However many servers the machine has, the world sees what one would bring.
func TestMachineDoesNotShow(t *testing.T) {
	t.Parallel()
	for _, conf := range []string{"nameserver 192.0.2.1", "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nsearch corp.example com"} {
		for node, perAttempt := range map[string]int{"resolver-a": 1, "web-01": 0} {
			w := Start(t, "solvethenetwork")
			down := []*Fault{w.Inject("server-down", Params{"node": "resolver-a"}), w.Inject("server-down", Params{"node": "resolver-b"})}
			v, err := w.view(node)
			if err != nil {
				t.Fatal(err)
			}
			v.machine = readMachine(conf)
			for range v.machine.attempts {
				for i := range v.machine.servers {
					if _, err := v.ask("api.solvethenetwork.com.", i); err == nil {
						t.Errorf("%s: an answer from the dead", node)
					}
				}
			}
			want := perAttempt * v.machine.attempts
			if node == "web-01" {
				want = 6 // the stub's own
			}
			w.ExpectQueries(Filter{Fate: "dropped"}, Exactly(want))
			for _, f := range down {
				f.Heal()
			}
			if rcode, err := v.ask("api.solvethenetwork.com.", 0); err != nil || rcode != 0 {
				t.Errorf("%s, after the healing: %d %v", node, rcode, err)
			}
			mark := w.Mark()
			if rcode, err := v.ask("nowhere.corp.example.", 0); err != nil || rcode != 3 {
				t.Errorf("%s: %d %v", node, rcode, err)
			}
			if len(v.machine.search) > 0 {
				w.ExpectQueries(Filter{After: mark}, None())
			} else {
				w.ExpectQueries(Filter{After: mark}, AtLeast(1))
			}
			if rcode, err := v.ask("www.solvethenetwork.com.", 0); err != nil || rcode != 0 {
				t.Errorf("%s, below a searched domain that the world has: %d %v", node, rcode, err)
			}
		}
	}
}

func FuzzReadMachine(f *testing.F) {
	f.Add("options timeout:9227000000 attempts:4x")
	f.Add("nameserver 192.0.2.1\nsearch a b.c.\noptions attempts:3 timeout:99999999999999999999")
	f.Fuzz(func(t *testing.T, text string) {
		m := readMachine(text)
		if m.servers < 1 || m.servers > 3 || m.attempts < 1 || m.timeout < 0 {
			t.Errorf("%+v", m)
		}
		m.searched(text)
	})
}

func FuzzReadQuestion(f *testing.F) {
	f.Add("api.solvethenetwork.com. AAAA +cd +tcp")
	f.Fuzz(func(t *testing.T, text string) {
		if q, problem := readQuestion(text); (problem == "") != (q.Name != "") && problem == "" {
			t.Errorf("%q: a question without a name", text)
		}
	})
}
