package cache

import (
	"testing"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// RFC 2181 section 5.4.1, and what validation adds to it.
func TestWhatReplacesWhat(t *testing.T) {
	t.Parallel()
	const (
		none     = validate.Indeterminate
		insecure = validate.Insecure
		secure   = validate.Secure
		bogus    = validate.Bogus
	)
	for _, x := range []struct {
		name     string
		oldRank  Rank
		old      validate.Status
		newRank  Rank
		new      validate.Status
		replaces bool
	}{
		{"glue does not replace an answer", Answer, insecure, Additional, insecure, false},
		{"an answer replaces glue", Additional, none, Answer, none, true},
		{"glue replaces glue", Additional, none, Additional, none, true},
		{"the child's NS replaces the referral's", Referral, none, Authority, none, true},
		{"the referral's NS does not replace the child's", Authority, none, Referral, none, false},
		{"hints give way", Hint, none, Additional, none, true},
		{"secure replaces a higher rank that was not validated", Answer, none, Authority, secure, true},
		{"secure stays before what was not validated", Authority, secure, Answer, none, false},
		{"secure stays before bogus", Answer, secure, Answer, bogus, false},
		{"secure gives way to secure", Answer, secure, Answer, secure, true},
		{"secure gives way to a zone that was made insecure", Answer, secure, Answer, insecure, true},
		{"bogus gives way to anything", Answer, bogus, Additional, none, true},
		{"bogus replaces what was not validated", Answer, none, Answer, bogus, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := New(Config{})
			first, second := positive(t, apiA), positive(t, "api.example. 100 IN A 10.6.6.6")
			first.Rank, first.Status, second.Rank, second.Status = x.oldRank, x.old, x.newRank, x.new
			c.Put(first, t0)
			stands := c.Put(second, at(1))
			got, ok := c.Get("api.example.", dns.TypeA, at(2))
			if !ok || got != stands || (got == second) != x.replaces {
				t.Errorf("replaced: %v, want %v", got == second, x.replaces)
			}
			if again := c.Put(second, at(61)); x.old == bogus && again != second {
				t.Error("an expired entry does not give way")
			}
		})
	}
}

// A child whose delegation was withdrawn must not keep itself alive by its own answers ("ghost domains").
func TestNSDoesNotProlongItself(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	referral := positive(t, "sub.example. 600 IN NS ns.sub.example.")
	referral.Rank = Referral
	c.Put(referral, t0)
	for s := 100.0; s < 600; s += 100 {
		c.Put(positive(t, "sub.example. 86400 IN NS ns.sub.example."), at(s))
	}
	if e, ok := c.Get("sub.example.", dns.TypeNS, at(599)); !ok || e.TTL(at(599)) != 1 || e.Rank != Answer {
		t.Errorf("got %+v", e)
	}
	if _, ok := c.Get("sub.example.", dns.TypeNS, at(600)); ok {
		t.Error("the delegation lives on")
	}
	hint := positive(t, ". 60 IN NS a.root-servers.net.")
	hint.Rank = Hint
	c.Put(hint, at(700))
	if e := c.Put(positive(t, ". 518400 IN NS a.root-servers.net."), at(700)); e.TTL(at(700)) != 518400 {
		t.Errorf("a hint shortens what the root says to %d s", e.TTL(at(700)))
	}
}
