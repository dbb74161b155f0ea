package resolver_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/authoritative/zone"
)

// What a right server would not say, and yet may be all there is: it is taken when no other server says better (RFC 2308
// sections 2.1 and 2.2 have NXDOMAIN and NODATA without SOA; Unbound takes them, too).
func TestDoubtfulReplies(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, flags string
		records     []string
		want        string
	}{
		{"an answer of a resolver", "ra", []string{"an www.two.com. 60 IN A 192.0.2.66"}, "NOERROR 60 192.0.2.66"},
		{"NODATA of a resolver", "ra", []string{"ns two.com. 60 IN SOA a. b. 1 2 3 4 60"}, "NOERROR soa=two.com./60"},
		{"NXDOMAIN without SOA", "aa NXDOMAIN", nil, "NXDOMAIN"},
		{"NXDOMAIN without SOA or AA", "NXDOMAIN", nil, "NXDOMAIN"},
		{"NODATA without SOA", "aa", nil, "NOERROR"},
	} {
		for _, alone := range []bool{false, true} {
			w := newWorld(t)
			w.delegates("two.com. 3600 IN NS ns1.two.com.", "two.com. 3600 IN NS ns2.two.com.", "ns1.two.com. 3600 IN A 10.0.0.3",
				"ns2.two.com. 3600 IN A 10.0.0.5")
			w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg { return say(q, x.flags, x.records...) })
			w.says("10.0.0.5", func(q *dns.Msg) *dns.Msg {
				if alone {
					return say(q, "REFUSED")
				}
				return say(q, "aa", "an www.two.com. 60 IN A 192.0.2.1")
			})
			want := "NOERROR 60 192.0.2.1"
			if alone {
				want = x.want
			}
			if got := brief(w.plainly(nil).ask("www.two.com A")); got != want {
				t.Errorf("%s, alone %v: %s, want %s", x.name, alone, got, want)
			}
		}
	}
}

// A referral is one though its sender offers recursion; one upward is lame though it claims authority.
func TestReferralsAndRecursion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"198.41.0.4", "170.247.170.2"} {
		w.break_(at, func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			m.RecursionAvailable = true
			return act{reply: m}
		})
	}
	c := w.plainly(nil)
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "ns . 3600 IN NS a.root-servers.net.") })
	c.want("nosuch.plain.com A", "SERVFAIL ede=22 ede=23")
}

// Of a signed zone's servers one has a copy that is not signed: the others are asked before anybody is told anything, and
// nobody looks for a delegation that might explain it.
func TestUnsignedCopyOfASignedZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bare := w.raw["example.com."]
	w.break_("10.0.0.1", func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		if !dns.IsSubDomain("example.com.", q.Question[0].Name) {
			return act{reply: right()}
		}
		r := bare.Lookup(q.Question[0].Name, q.Question[0].Qtype, true)
		m := new(dns.Msg)
		m.SetReply(q)
		m.Rcode, m.Authoritative, m.Answer, m.Ns = r.Rcode, r.Authoritative, r.Answer, append(r.Authority, rr("example.com. 3600 IN NS ns1.example.com."))
		return act{reply: withOPT(m)}
	})
	c := w.resolver(nil)
	for _, q := range []string{"www.example.com A", "long.example.com A", "brief.example.com A", "nosuch.example.com A", "nosuch2.example.com A"} {
		w.asked()
		if m := c.ask(q); !m.AuthenticatedData {
			t.Errorf("%s: %s", q, brief(m))
		}
		for _, asked := range names(w.asked()) {
			if asked == "www.example.com. DS" || asked == "long.example.com. DS" || asked == "nosuch.example.com. DS" {
				t.Errorf("%s: asked %s", q, asked)
			}
		}
	}
}

// A signature in another section than what it signs counts (RFC 4035 section 3.1.1 has them together).
func TestSignaturesInOtherSections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"10.0.0.1", "10.0.0.2"} {
		w.break_(at, func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			var rest []dns.RR
			for _, rr := range m.Answer {
				if rr.Header().Rrtype == dns.TypeRRSIG {
					m.Extra = append([]dns.RR{rr}, m.Extra...)
				} else {
					rest = append(rest, rr)
				}
			}
			m.Answer = rest
			return act{reply: m}
		})
	}
	w.resolver(nil).want("www.example.com A", "NOERROR ad 300 192.0.2.80")
}

// A server of the parent that answers the question for a DS with its referral has the DS in it, or the proof that there is
// none (RFC 4035 section 3.1.4.1).
func TestReferralInsteadOfDS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"192.5.6.30", "192.33.14.30"} {
		w.break_(at, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			if q.Question[0].Qtype == dns.TypeDS && q.Question[0].Name != "com." {
				q = q.Copy()
				q.Question[0].Qtype = dns.TypeA
				m := w.right(at, q, "udp")
				m.Question[0].Qtype = dns.TypeDS
				return act{reply: m}
			}
			return act{reply: right()}
		})
	}
	c := w.resolver(nil)
	if m := c.ask("example.com DS"); len(m.Answer) != 1 || !m.AuthenticatedData {
		t.Errorf("a DS: %s", brief(m))
	}
	if m := c.ask("plain.com DS"); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 0 || !m.AuthenticatedData {
		t.Errorf("no DS: %s", brief(m))
	}
}

// The proof that a referral brings along, that the zone has no DS, is enough: nobody is asked for the DS again. A client
// that asks for it gets a whole answer.
func TestReferralProvesThereIsNoDS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	for _, q := range names(w.asked()) {
		if q == "plain.com. DS" {
			t.Error("asked for the DS")
		}
	}
	c.want("nosuch.plain.com A", "NXDOMAIN soa=plain.com./300")
	c.want("plain.com DS", "NOERROR ad soa=com./900")
	// A forged one proves nothing, and is not the last word.
	w = newWorld(t)
	for _, at := range []string{"192.5.6.30", "192.33.14.30"} {
		w.break_(at, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			if q.Question[0].Qtype != dns.TypeDS && q.Question[0].Qtype != dns.TypeDNSKEY && dns.IsSubDomain("example.com.", q.Question[0].Name) {
				kept := m.Ns[:0:0]
				for _, r := range m.Ns {
					if r.Header().Rrtype == dns.TypeNS {
						kept = append(kept, r)
					}
				}
				nsec := rr("example.com. 900 IN NSEC f.com. NS RRSIG NSEC").(*dns.NSEC)
				m.Ns = append(kept, nsec, w.zones["com."].Lookup("nosuch.com.", dns.TypeA, true).Authority[1])
				sig := rr("example.com. 900 IN RRSIG NSEC 13 2 900 20260410120000 20260326120000 1 com. AAAA")
				m.Ns = append(m.Ns, sig)
			}
			return act{reply: m}
		})
	}
	w.resolver(nil).want("www.example.com A", "NOERROR ad 300 192.0.2.80")
}

// A CNAME is denied at the top of a zone as anywhere: by the zone itself, and not by its parent.
func TestNoCNAMEAtTheTop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.want("example.com CNAME", "NOERROR ad soa=example.com./300")
	c.want("nsec3.com CNAME", "NOERROR ad soa=nsec3.com./300")
	c.want("com CNAME", "NOERROR ad soa=com./900")
}

// A zone without a DS on the same servers as its signed parent, denied with the SOA of that parent and nothing else.
func TestUnsignedZoneOnItsParentsServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resign("example.com.", nil, zone.Change{Op: zone.Add, RRs: []dns.RR{rr("sub.example.com. 300 IN NS ns1.example.com."), rr("sub.example.com. 300 IN NS ns2.example.com.")}})
	for _, at := range []string{"10.0.0.1", "10.0.0.2"} {
		w.break_(at, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			if q.Question[0].Name != "www.sub.example.com." || q.Question[0].Qtype == dns.TypeDS {
				return act{reply: right()}
			}
			m := say(q, "aa")
			m.Ns = w.zones["example.com."].Lookup("example.com.", dns.TypeSOA, true).Answer
			return act{reply: withOPT(m)}
		})
	}
	w.resolver(nil).want("www.sub.example.com A", "NOERROR soa=example.com./300")
}

// Bogus data that has no life of its own is remembered as a failure is (RFC 9520 section 3.2): no second look for each who
// asks, while the time lasts.
func TestBogusWithoutLife9520(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"10.0.0.1", "10.0.0.2"} {
		w.break_(at, func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			for i, r := range m.Answer {
				if sig, ok := r.(*dns.RRSIG); ok && sig.TypeCovered == dns.TypeA {
					sig = dns.Copy(sig).(*dns.RRSIG)
					sig.Signature = "AAAA" + sig.Signature[4:]
					m.Answer = append(m.Answer[:i:i], sig)
				}
			}
			return act{reply: m}
		})
	}
	c := w.resolver(nil)
	c.want("zero.example.com A", "SERVFAIL ede=6")
	w.asked()
	c.want("zero.example.com A", "SERVFAIL ede=6")
	if asked := w.asked(); len(asked) != 0 {
		t.Errorf("asked %q", asked)
	}
	w.advance(6 * time.Second)
	c.ask("zero.example.com A")
	if asked := w.asked(); len(asked) == 0 {
		t.Error("it is not looked at again")
	}
}

// A reply over TCP that says it is truncated is of no use: nobody knows what is missing.
func TestTruncatedOverTCP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg { return say(q, "aa tc", "an www.plain.com. 300 IN A 192.0.2.66") })
	w.plainly(nil).want("www.plain.com A", "SERVFAIL ede=22 ede=23")
	w.delegates("plain.com. 3600 IN NS ns.plain.com.", "plain.com. 3600 IN NS ns2.plain.com.", "ns.plain.com. 3600 IN A 10.0.0.3",
		"ns2.plain.com. 3600 IN A 10.0.0.5")
	w.says("10.0.0.5", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an www.plain.com. 300 IN A 192.0.2.1") })
	w.plainly(nil).want("www.plain.com A", "NOERROR 300 192.0.2.1")
}
