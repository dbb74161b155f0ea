package resolver_test

import (
	"testing"

	"faultzone/resolver"
)

// RFC 8020 section 2: what does not exist has nothing below it. By default that is drawn from proven answers alone.
func TestNothingBelowNXDOMAIN8020(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		cut   resolver.NXDOMAINCut
		zone  string // the zone of the name that does not exist
		plain bool
		asks  int // for a name below
	}{
		{"proven", resolver.CutSecure, "example.com", false, 0},
		{"proven by NSEC3", resolver.CutSecure, "nsec3.com", false, 0},
		{"not signed", resolver.CutSecure, "plain.com", false, 1},
		{"not validated", resolver.CutSecure, "example.com", true, 1},
		{"always", resolver.CutAlways, "plain.com", false, 0},
		{"always, not validated", resolver.CutAlways, "example.com", true, 0},
		{"never", resolver.CutNever, "example.com", false, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.resolver(func(cfg *resolver.Config) {
				cfg.BelowNXDOMAIN = test.cut
				if test.plain {
					cfg.TrustAnchors = nil
				}
			})
			first := brief(c.ask("nosuch." + test.zone + " A"))
			w.asked()
			if got := brief(c.ask("a.b.nosuch." + test.zone + " AAAA")); got != first {
				t.Errorf("above %s, below %s", first, got)
			}
			if asked := w.asked(); len(asked) != test.asks {
				t.Errorf("asked %q, want %d queries", asked, test.asks)
			}
			// It says nothing about the names beside it, nor about those that merely end alike.
			if c.ask("xnosuch." + test.zone + " A"); len(w.asked()) == 0 {
				t.Error("a name beside it was not asked for")
			}
		})
	}
}

// It ends when the NXDOMAIN does, or is flushed with its tree.
func TestBelowNXDOMAINEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.ask("nosuch.example.com A")
	c.want("a.nosuch.example.com A", "NXDOMAIN ad soa=example.com./300")
	w.advance(300e9)
	w.asked()
	c.ask("a.nosuch.example.com A")
	if len(w.asked()) == 0 {
		t.Error("not asked when the time was over")
	}
	c.ask("nosuch.example.com A")
	c.r.Flush("nosuch.example.com")
	w.asked()
	c.ask("b.nosuch.example.com A")
	if len(w.asked()) == 0 {
		t.Error("not asked after a flush")
	}
}
