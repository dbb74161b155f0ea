package resolver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/resolver"

	"github.com/miekg/dns"
)

const day = 24 * time.Hour

// rootKeys has the root signed by these keys, for a year, with DNSKEY TTLs of an hour.
func (w *world) rootKeys(keys ...*sign.Key) {
	w.t.Helper()
	for _, origin := range []string{"com.", "example.com."} {
		w.resign(origin, func(p *sign.Params) { p.Expiration = start.Add(400 * day) })
	}
	w.resign(".", func(p *sign.Params) { p.Keys, p.Expiration = keys, start.Add(400*day) })
}

func rootKey(t *testing.T, label string) *sign.Key {
	t.Helper()
	k, err := sign.DeriveKey(".", sign.FlagsKSK, dns.ECDSAP256SHA256, []byte("a test"), label)
	must(t, err)
	return k
}

// revoked is the key with its REVOKE bit (RFC 5011 section 2.1).
func revoked(k *sign.Key) *sign.Key {
	own := *k
	record := *k.DNSKEY
	record.Flags |= dns.REVOKE
	own.DNSKEY = &record
	return &own
}

func unsigning(k *sign.Key) *sign.Key { return &sign.Key{DNSKEY: k.DNSKEY} }

// states are the keys' states, by what the test calls them.
func states(c *client, names map[string]*sign.Key) string {
	var list []string
	for _, a := range c.r.Anchors() {
		for name, k := range names {
			if k.DNSKEY.PublicKey == a.Key.PublicKey {
				list = append(list, name+"="+a.State.String())
			}
		}
	}
	if len(list) == 2 && list[0] > list[1] {
		list[0], list[1] = list[1], list[0]
	}
	return strings.Join(list, " ")
}

func following(cfg *resolver.Config) { cfg.AnchorUpdates.On = true }

// The root's key roll as the root did it in 2018 (RFC 5011 sections 2.2, 2.4, 6.3): the new key is published and watched for
// 30 days, then it signs alone, then the old one revokes itself. A resolver that follows never notices; one that does not
// is lost.
func TestRootKeyRoll5011(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, zsk, next := w.keys["."][0], w.keys["."][1], rootKey(t, "next")
	names := map[string]*sign.Key{"old": old, "next": next}
	var events []string
	c := w.resolver(func(cfg *resolver.Config) {
		following(cfg)
		cfg.Report = func(e resolver.Event) {
			if e.Kind == resolver.EventAnchor {
				events = append(events, e.Text)
			}
		}
	})
	still := w.resolver(nil)
	ask := func(want, state string) {
		t.Helper()
		c.r.Clear()
		if got := brief(c.ask("www.example.com A")); got != want {
			t.Errorf("after %v: %s, want %s", w.clock.Now().Sub(start), got, want)
		}
		if got := states(c, names); got != state {
			t.Errorf("after %v: %s, want %s", w.clock.Now().Sub(start), got, state)
		}
	}
	const good = "NOERROR ad 300 192.0.2.80"
	w.rootKeys(old, zsk)
	ask(good, "old=Valid")
	w.rootKeys(old, zsk, unsigning(next))
	ask(good, "next=AddPend old=Valid")
	w.advance(29 * day)
	ask(good, "next=AddPend old=Valid")
	w.advance(day + time.Minute)
	ask(good, "next=Valid old=Valid")
	w.rootKeys(unsigning(old), zsk, next) // the new one signs alone
	ask(good, "next=Valid old=Valid")
	still.want("www.example.com A", "SERVFAIL ede=10") // the signature by its key is missing
	w.rootKeys(revoked(old), zsk, next)
	ask(good, "next=Valid old=Revoked")
	w.rootKeys(zsk, next)
	w.advance(29 * day)
	ask(good, "next=Valid old=Revoked")
	w.advance(2 * day)
	ask(good, "next=Valid")
	if len(events) != 5 {
		t.Errorf("reported: %s", strings.Join(events, "\n"))
	}
	// It never comes back by itself, and a restart remembers.
	w.rootKeys(old, zsk)
	c.r.Clear()
	c.want("www.example.com A", "SERVFAIL ede=9")
	w.rootKeys(zsk, next)
	again := w.resolver(func(cfg *resolver.Config) { following(cfg); cfg.AnchorUpdates.Known = c.r.Anchors() })
	again.want("www.example.com A", good)
	w.resolver(nil).want("www.example.com A", "SERVFAIL ede=9")
}

// A new key that goes away before its time has to begin anew (RFC 5011 section 2.2: an attacker's would be found out).
func TestNewKeyMustStay5011(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, zsk, next := w.keys["."][0], w.keys["."][1], rootKey(t, "next")
	names := map[string]*sign.Key{"old": old, "next": next}
	c := w.resolver(following)
	step := func(d time.Duration, want string, keys ...*sign.Key) {
		t.Helper()
		w.advance(d)
		w.rootKeys(keys...)
		c.r.Clear()
		c.ask("www.example.com A")
		if got := states(c, names); got != want {
			t.Errorf("after %v: %s, want %s", w.clock.Now().Sub(start), got, want)
		}
	}
	step(0, "next=AddPend old=Valid", old, zsk, unsigning(next))
	step(20*day, "old=Valid", old, zsk)
	step(day, "next=AddPend old=Valid", old, zsk, unsigning(next))
	step(29*day, "next=AddPend old=Valid", old, zsk, unsigning(next))
	step(2*day, "next=Valid old=Valid", old, zsk, unsigning(next))
	// A trusted key that is missing stays trusted (section 4.1).
	step(day, "next=Missing old=Valid", old, zsk)
	step(day, "next=Valid old=Missing", zsk, next)
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
}

// RFC 5011 section 2.1: a REVOKE bit that the key itself did not sign means nothing, nor does that of a key nobody trusts.
func TestRevocationTakesTheKeyItself5011(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, zsk, other := w.keys["."][0], w.keys["."][1], rootKey(t, "other")
	c := w.resolver(following)
	w.rootKeys(old, zsk, unsigning(revoked(old)), revoked(other))
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	if got := states(c, map[string]*sign.Key{"old": old, "other": other}); got != "old=Valid" {
		t.Errorf("%s", got)
	}
	// With its signature it is the end, even where nobody else vouches for the RRset.
	w.rootKeys(revoked(old), zsk)
	c.r.Clear()
	c.ask("www.example.com A")
	if got := states(c, map[string]*sign.Key{"old": old}); got != "old=Revoked" {
		t.Errorf("%s", got)
	}
}

// RFC 5011 section 2.3: an idle resolver asks by itself, every half TTL, an hour at least and 15 days at most.
func TestRefreshAnchors5011(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, zsk, next := w.keys["."][0], w.keys["."][1], rootKey(t, "next")
	c := w.resolver(following)
	w.rootKeys(old, zsk, unsigning(next))
	ctx, cancel := w.clock.WithTimeout(context.Background(), 0)
	ended := make(chan error, 1)
	w.clock.Go(func() { ended <- c.r.RefreshAnchors(ctx) })
	w.advance(40 * day)
	if got := states(c, map[string]*sign.Key{"old": old, "next": next}); got != "next=Valid old=Valid" {
		t.Errorf("%s", got)
	}
	asked := w.asked()
	for _, line := range asked {
		if !strings.HasSuffix(line, " . DNSKEY") {
			t.Errorf("asked %s", line)
		}
	}
	if n := len(asked); n < 40*24/12/2 || n > 40*24+1 {
		t.Errorf("%d questions in 40 days", n)
	}
	cancel()
	w.advance(0)
	if err := <-ended; err == nil {
		t.Error("it ended without a reason")
	}
	must(t, w.clock.Run(func() {
		if err := w.resolver(nil).r.RefreshAnchors(context.Background()); err != nil {
			t.Error(err)
		}
	}))
}

// Several trust anchors (RFC 6840 section 5.10: the one closest to the data counts), as DS and as DNSKEY, one of them for
// an island of security; and one DS of two for the root being enough.
func TestSeveralTrustAnchors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrong := rootKey(t, "standby").DS(dns.SHA256)
	w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = append([]dns.RR{wrong}, w.anchors...) }).
		want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	// Only the anchored zones are validated.
	island := w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = []dns.RR{w.keys["example.com."][0].DNSKEY} })
	island.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	island.want("www.nsec3.com A", "NOERROR 300 192.0.2.60")
	// The closest counts: a wrong one below is bogus, however right the root's is.
	other, err := sign.DeriveKey("example.com.", sign.FlagsKSK, dns.ECDSAP256SHA256, []byte("another"), "")
	must(t, err)
	both := w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = append([]dns.RR{other.DS(dns.SHA256)}, w.anchors...) })
	both.want("www.example.com A", "SERVFAIL ede=9")
	both.want("www.nsec3.com A", "NOERROR ad 300 192.0.2.60")
}

// RFC 7646: a negative trust anchor covers its zone and all below, unless a trust anchor stands there.
func TestNegativeTrustAnchors7646(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resign("example.com.", func(p *sign.Params) { p.Expiration = start.Add(-time.Hour) })
	w.resolver(nil).want("www.example.com A", "SERVFAIL ede=7")
	c := w.resolver(func(cfg *resolver.Config) { cfg.DomainInsecure = []string{"Example.COM"} })
	c.want("www.example.com A", "NOERROR 300 192.0.2.80")
	c.want("nosuch.example.com A", "NXDOMAIN soa=example.com./300")
	c.want("www.nsec3.com A", "NOERROR ad 300 192.0.2.60")
	c = w.resolver(func(cfg *resolver.Config) {
		cfg.DomainInsecure = []string{"com."}
		cfg.TrustAnchors = append([]dns.RR{w.keys["nsec3.com."][0].DS(dns.SHA256)}, w.anchors...)
	})
	c.want("www.example.com A", "NOERROR 300 192.0.2.80")
	c.want("www.nsec3.com A", "NOERROR ad 300 192.0.2.60")
}

func ExampleAnchorState() {
	fmt.Println(resolver.AnchorAddPending, resolver.AnchorValid, resolver.AnchorMissing, resolver.AnchorRevoked)
	// Output: AddPend Valid Missing Revoked
}
