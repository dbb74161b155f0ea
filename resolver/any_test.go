package resolver_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/zone"
	"faultzone/resolver"

	"github.com/miekg/dns"
)

func types(rrs []dns.RR) (list []string) {
	for _, rr := range rrs {
		if t := dns.Type(rr.Header().Rrtype).String(); !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	slices.Sort(list)
	return list
}

// tellsAll has a server answer ANY with all that there is; usually it picks one RRset (RFC 8482 section 4.1). change may
// change what it says.
func (w *world) tellsAll(at string, change func(m *dns.Msg)) {
	w.break_(at, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		m := right()
		if q.Question[0].Qtype == dns.TypeANY && len(m.Answer) > 0 && m.Answer[0].Header().Rrtype != dns.TypeDNAME {
			m.Answer = nil
			for _, t := range []uint16{dns.TypeSOA, dns.TypeNS, dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeTXT, dns.TypeCNAME, dns.TypeNSEC, dns.TypeDNSKEY} {
				one := q.Copy()
				one.Question[0].Qtype = t
				for _, r := range w.right(at, one, "udp").Answer {
					own := r.Header().Name == q.Question[0].Name
					if sig, ok := r.(*dns.RRSIG); own && (r.Header().Rrtype == t || ok && sig.TypeCovered == t) {
						m.Answer = append(m.Answer, r)
					}
				}
			}
		}
		if change != nil {
			change(m)
		}
		return act{reply: m}
	})
}

// With ANYAll a question for ANY gets all that there is of the name, validated, and out of the cache for as long as the first
// of it lives; a CNAME is part of that and leads nowhere.
func TestANYAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"} {
		w.tellsAll(at, nil)
	}
	c := w.resolver(func(cfg *resolver.Config) { cfg.ANY = resolver.ANYAll })
	for q, want := range map[string][]string{
		"www.example.com ANY":       {"A", "AAAA", "NSEC"},
		"example.com ANY":           {"DNSKEY", "MX", "NS", "NSEC", "SOA"},
		"alias.example.com ANY":     {"CNAME", "NSEC"},
		"x.wild.example.com ANY":    {"A", "NSEC"},
		"www.plain.com ANY":         {"A"},
		"www.old.example.com ANY":   {"A", "CNAME", "DNAME", "NSEC"},
		"ent.example.com ANY":       nil,
		"nosuch.example.com ANY":    nil,
		"any.wild.nsec3.com ANY":    {"A"},
		"nosuch.plain.com ANY":      nil,
		"www.example.com ANY +cd":   {"A", "AAAA", "NSEC"},
		"alias.example.com ANY +cd": {"CNAME", "NSEC"},
	} {
		m := c.ask(q)
		got := types(m.Answer)
		secure := q != "www.plain.com ANY" && q != "nosuch.plain.com ANY"
		if !slices.Equal(got, want) || m.AuthenticatedData != secure && q[len(q)-3:] != "+cd" || len(codes(m)) != 0 {
			t.Errorf("%s: %v, ad %v, %v; want %v", q, got, m.AuthenticatedData, codes(m), want)
		}
		w.asked()
		if again := c.ask(q); !slices.Equal(types(again.Answer), want) || again.Rcode != m.Rcode || len(w.asked()) != 0 {
			t.Errorf("%s, again: %v", q, again)
		}
		if again := c.now(q + " +do"); len(want) > 0 && secure && sigs(again.Answer) == 0 {
			t.Errorf("%s: no signatures with DO: %v", q, again)
		}
	}
	w.advance(301 * time.Second)
	w.asked()
	if c.ask("www.example.com ANY"); len(w.asked()) == 0 {
		t.Error("it lives on")
	}
	for _, e := range c.r.Dump() {
		if back, err := resolver.ParseCacheEntry(e.String()); err != nil || back.Type != e.Type {
			t.Errorf("%s is read back as %v, %v", e, back, err)
		}
	}
}

// One bogus RRset among them makes all of it bogus, and one that is not signed is no proof of the others.
func TestANYAllIsValidated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resign("example.com.", nil, zone.Change{Op: zone.Add, RRs: []dns.RR{rr("www.example.com. 300 IN TXT right")}})
	for _, at := range []string{"10.0.0.1", "10.0.0.2"} {
		w.tellsAll(at, func(m *dns.Msg) {
			for i, r := range m.Answer {
				if txt, ok := r.(*dns.TXT); ok {
					txt = dns.Copy(txt).(*dns.TXT)
					txt.Txt[0] = "wrong"
					m.Answer[i] = txt
				}
			}
		})
	}
	c := w.resolver(func(cfg *resolver.Config) { cfg.ANY = resolver.ANYAll })
	c.want("www.example.com ANY", "SERVFAIL ede=6")
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	// Nobody has us validate without end.
	w.says("10.0.0.4", func(q *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype != dns.TypeANY {
			return w.right("10.0.0.4", q, "udp")
		}
		m := say(q, "aa")
		for i := range 1000 {
			m.Answer = append(m.Answer, &dns.RFC3597{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: uint16(3000 + i), Class: dns.ClassINET, Ttl: 60}, Rdata: "01"})
		}
		return withOPT(m)
	})
	if m := c.ask("www.nsec3.com ANY"); m.Rcode != dns.RcodeServerFailure || !strings.Contains(text(m), "1000 RRsets") {
		t.Errorf("%s: %s", brief(m), text(m))
	}
	_, err := resolver.New(resolver.Config{Hints: hints(), Clock: w.clock, Exchanger: w, ANY: 9})
	if err == nil {
		t.Error("an ANY of 9 is taken")
	}
}
