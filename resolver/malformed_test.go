package resolver_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

// forged stands in every record that must not be believed.
const forged = "203.0.113.66"

// raw makes a reply of bytes: the query's ID and question, flags and counts, then what follows the question.
func raw(q *dns.Msg, flags uint16, an, ns, ar uint16, rest string) []byte {
	b, err := (&dns.Msg{MsgHdr: dns.MsgHdr{Id: q.Id}, Question: q.Question}).Pack()
	if err != nil {
		panic(err)
	}
	binary.BigEndian.PutUint16(b[2:], 0x8000|flags)
	binary.BigEndian.PutUint16(b[6:], an)
	binary.BigEndian.PutUint16(b[8:], ns)
	binary.BigEndian.PutUint16(b[10:], ar)
	return append(b, rest...)
}

const aa = 0x0400

// record is type, class IN, TTL 60 and rdata, for behind an owner.
func record(rrtype uint16, rdata string) string {
	b := binary.BigEndian.AppendUint16(nil, rrtype)
	b = append(b, 0, 1, 0, 0, 0, 60)
	b = binary.BigEndian.AppendUint16(b, uint16(len(rdata)))
	return string(b) + rdata
}

// Replies that are no messages, or odd ones. Whoever sends them to www.plain.com A, the client has SERVFAIL or the answer,
// within the bounds, and nothing that was forged is kept or told. answered: there is an answer in it that may be told.
var malformed = []struct {
	name     string
	reply    func(q *dns.Msg) []byte
	answered bool
}{
	{"nothing but a header", func(q *dns.Msg) []byte { return raw(q, aa, 0, 0, 0, "")[:12] }, false},
	{"a header that announces more", func(q *dns.Msg) []byte { return raw(q, aa, 1, 1, 1, "") }, false},
	{"counts of 65535", func(q *dns.Msg) []byte {
		return raw(q, aa, 0xFFFF, 0xFFFF, 0xFFFF, "\xC0\x0C"+record(1, "\xCB\x00\x71\x42"))
	}, false},
	{"an owner that points at itself", func(q *dns.Msg) []byte {
		b := raw(q, aa, 1, 0, 0, "")
		return append(b, 0xC0|byte(len(b)>>8), byte(len(b)), 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 66)
	}, false},
	{"owners that point at each other", func(q *dns.Msg) []byte {
		b := raw(q, aa, 1, 0, 0, "")
		return append(b, 0xC0, byte(len(b)+2), 0xC0, byte(len(b)), 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 66)
	}, false},
	{"an owner that points beyond the end", func(q *dns.Msg) []byte { return raw(q, aa, 1, 0, 0, "\xFF\xFF"+record(1, "\xCB\x00\x71\x42")) }, false},
	{"a CNAME that points at itself", func(q *dns.Msg) []byte {
		b := raw(q, aa, 1, 0, 0, "\xC0\x0C\x00\x05\x00\x01\x00\x00\x00\x3C\x00\x02")
		return append(b, 0xC0|byte(len(b)>>8), byte(len(b)))
	}, false},
	{"a label type that there is not", func(q *dns.Msg) []byte { return raw(q, aa, 1, 0, 0, "\x80abc\x00"+record(1, "\xCB\x00\x71\x42")) }, false},
	{"an address of three octets", func(q *dns.Msg) []byte { return raw(q, aa, 1, 0, 0, "\xC0\x0C"+record(1, "\xCB\x00\x71")) }, false},
	{"an address of none", func(q *dns.Msg) []byte { return raw(q, aa, 1, 0, 0, "\xC0\x0C"+record(1, "")) }, false},
	{"rdata longer than the message", func(q *dns.Msg) []byte {
		return raw(q, aa, 1, 0, 0, "\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x3C\xFF\xFF\xCB\x00\x71\x42")
	}, false},
	{"an SOA cut off", func(q *dns.Msg) []byte { return raw(q, aa|3, 0, 1, 0, "\xC0\x10"+record(6, "\x00\x00\x00")) }, false},
	{"octets behind the end", func(q *dns.Msg) []byte {
		return raw(q, aa, 1, 0, 0, "\xC0\x0C"+record(1, "\xC0\x00\x02\x01")+strings.Repeat("\xFF", 300))
	}, true},
	{"two questions", func(q *dns.Msg) []byte {
		m := say(q, "aa", "an www.plain.com. 60 IN A "+forged)
		m.Question = append(m.Question, m.Question[0])
		b, _ := m.Pack()
		return b
	}, false},
	{"no question", func(q *dns.Msg) []byte {
		m := say(q, "aa", "an www.plain.com. 60 IN A "+forged)
		m.Question = nil
		b, _ := m.Pack()
		return b
	}, false},
	{"another opcode", func(q *dns.Msg) []byte {
		m := say(q, "aa", "an www.plain.com. 60 IN A "+forged)
		m.Opcode = dns.OpcodeNotify
		b, _ := m.Pack()
		return b
	}, false},
	{"class CHAOS", func(q *dns.Msg) []byte {
		m := say(q, "aa", "an www.plain.com. 60 CH TXT \"evil\"")
		m.Answer[0] = &dns.A{Hdr: dns.RR_Header{Name: "www.plain.com.", Rrtype: dns.TypeA, Class: dns.ClassCHAOS, Ttl: 60}, A: []byte{203, 0, 113, 66}}
		b, _ := m.Pack()
		return b
	}, false},
	{"another question in another class", func(q *dns.Msg) []byte {
		m := say(q, "aa", "an www.plain.com. 60 IN A "+forged)
		m.Question[0].Qclass = dns.ClassCHAOS
		b, _ := m.Pack()
		return b
	}, false},
	{"another type", func(q *dns.Msg) []byte {
		b, _ := say(q, "aa", "an www.plain.com. 60 IN AAAA 2001:db8::1").Pack()
		return b
	}, true},
	{"an OPT record as the answer", func(q *dns.Msg) []byte { return raw(q, aa, 1, 0, 0, "\x00"+record(41, "")) }, true},
	{"three OPT records", func(q *dns.Msg) []byte {
		return raw(q, aa, 1, 0, 3, "\xC0\x0C"+record(1, "\xC0\x00\x02\x01")+strings.Repeat("\x00"+record(41, ""), 3))
	}, true},
	{"a TTL of 2^31 and more", func(q *dns.Msg) []byte { // RFC 2181 section 8, RFC 8767 section 4
		return raw(q, aa, 1, 0, 0, "\xC0\x0C\x00\x01\x00\x01\xFF\xFF\xFF\xFF\x00\x04\xC0\x00\x02\x01")
	}, true},
	{"AXFR in the answer", func(q *dns.Msg) []byte { return raw(q, aa, 1, 0, 0, "\xC0\x0C"+record(252, "")) }, true},
	{"NXDOMAIN with a stray answer", func(q *dns.Msg) []byte {
		b, _ := say(q, "aa NXDOMAIN", "an mail.plain.com. 60 IN A "+forged).Pack()
		return b
	}, true},
	{"CNAME to itself", func(q *dns.Msg) []byte {
		b, _ := say(q, "aa", "an www.plain.com. 60 IN CNAME www.plain.com.").Pack()
		return b
	}, false},
	{"CNAMEs in a circle", func(q *dns.Msg) []byte {
		b, _ := say(q, "aa", "an www.plain.com. 60 IN CNAME a.plain.com.", "an a.plain.com. 60 IN CNAME b.plain.com.",
			"an b.plain.com. 60 IN CNAME www.plain.com.").Pack()
		return b
	}, false},
	{"two CNAMEs of one name", func(q *dns.Msg) []byte { // RFC 2181 section 10.1
		b, _ := say(q, "aa", "an www.plain.com. 60 IN CNAME www.plain.com.", "an www.plain.com. 60 IN CNAME evil.plain.com.").Pack()
		return b
	}, false},
	{"DNAME to itself", func(q *dns.Msg) []byte { b, _ := say(q, "aa", "an plain.com. 60 IN DNAME plain.com.").Pack(); return b }, false},
	{"DNAME into itself", func(q *dns.Msg) []byte {
		b, _ := say(q, "aa", "an plain.com. 60 IN DNAME a.plain.com.").Pack()
		return b
	}, false},
	{"DNAME above the zone", func(q *dns.Msg) []byte { b, _ := say(q, "aa", "an com. 60 IN DNAME evil.example.").Pack(); return b }, false},
	{"self-referral", func(q *dns.Msg) []byte {
		b, _ := say(q, "", "ns plain.com. 60 IN NS evil.plain.com.", "ar evil.plain.com. 60 IN A "+forged).Pack()
		return b
	}, false},
	{"upward referral", func(q *dns.Msg) []byte {
		b, _ := say(q, "", "ns com. 60 IN NS evil.com.", "ar evil.com. 60 IN A "+forged).Pack()
		return b
	}, false},
	{"referral to the root", func(q *dns.Msg) []byte {
		b, _ := say(q, "", "ns . 60 IN NS evil.com.", "ar evil.com. 60 IN A "+forged).Pack()
		return b
	}, false},
	{"sideways referral", func(q *dns.Msg) []byte {
		b, _ := say(q, "", "ns mail.plain.com. 60 IN NS evil.plain.com.", "ar evil.plain.com. 60 IN A "+forged).Pack()
		return b
	}, false},
	{"referral to nobody", func(q *dns.Msg) []byte { b, _ := say(q, "", "ns www.plain.com. 60 IN NS .").Pack(); return b }, false},
	{"referral to a server in the zone, without glue", func(q *dns.Msg) []byte {
		b, _ := say(q, "", "ns www.plain.com. 60 IN NS ns.www.plain.com.").Pack()
		return b
	}, false},
	{"a thousand addresses", func(q *dns.Msg) []byte {
		m := say(q, "aa")
		for i := range 1000 {
			m.Answer = append(m.Answer, rr(fmt.Sprintf("www.plain.com. 60 IN A 192.0.%d.%d", i/250, i%250)))
		}
		m.Compress = true
		b, _ := m.Pack()
		return b
	}, true},
	{"a thousand signatures", func(q *dns.Msg) []byte {
		m := say(q, "aa", "an www.plain.com. 60 IN A 192.0.2.1")
		for i := range 600 {
			m.Answer = append(m.Answer, rr(fmt.Sprintf("www.plain.com. 60 IN RRSIG A 13 3 60 20260410000000 20260401000000 %d plain.com. AAAA", i)))
		}
		m.Compress = true
		b, _ := m.Pack()
		return b
	}, true},
	{"65,535 octets", func(q *dns.Msg) []byte {
		b := raw(q, aa, 1, 0, 0, "\xC0\x0C"+record(1, "\xC0\x00\x02\x01"))
		return append(b, make([]byte, 65535-len(b))...)
	}, true},
	{"65,535 octets of names", func(q *dns.Msg) []byte {
		m := say(q, "aa")
		for i := range 1900 {
			m.Answer = append(m.Answer, rr(fmt.Sprintf("c%d.plain.com. 60 IN CNAME c%d.plain.com.", i, i+1)))
		}
		m.Compress = true
		b, _ := m.Pack()
		return b
	}, true},
}

func TestMalformedReplies(t *testing.T) {
	t.Parallel()
	for _, test := range malformed {
		for _, minimise := range []resolver.Minimisation{resolver.MinimiseOff, resolver.MinimiseRelaxed} {
			for _, question := range []string{"www.plain.com A", "www.plain.com A +cd"} {
				w := newWorld(t)
				w.break_("10.0.0.3", func(q *dns.Msg, _ string, _ func() *dns.Msg) act { return act{raw: [][]byte{test.reply(q)}} })
				c := w.resolver(func(cfg *resolver.Config) { cfg.QNAMEMinimisation = minimise })
				m, took := c.took(question)
				if _, err := m.Pack(); err != nil {
					t.Errorf("%s: an answer that cannot be packed: %v", test.name, err)
				}
				if m.Rcode != dns.RcodeServerFailure && !test.answered || took > 20*time.Second {
					t.Errorf("%s, %v, %s: %s after %v", test.name, minimise, question, brief(m), took)
				}
				if n := len(w.asked()); n > 60 {
					t.Errorf("%s: %d exchanges", test.name, n)
				}
				if strings.Contains(m.String(), forged) || strings.Contains(m.String(), "evil.plain") && test.name != "two CNAMEs of one name" {
					t.Errorf("%s: the client is told %s", test.name, m)
				}
				c.hasNot(forged, "evil")
				for _, e := range c.r.Dump() {
					for _, r := range e.RRs {
						if strings.HasPrefix(r.Header().Name, "mail.") {
							t.Errorf("%s: the cache has %s", test.name, r)
						}
					}
				}
			}
		}
	}
}

// Servers of zones that refer to one another, up and down: each zone is entered once.
func TestReferralLoop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	down := func(q *dns.Msg) *dns.Msg {
		return say(q, "", "ns a.plain.com. 60 IN NS ns.a.plain.com.", "ar ns.a.plain.com. 60 IN A 10.0.0.5")
	}
	up := func(q *dns.Msg) *dns.Msg {
		return say(q, "", "ns plain.com. 60 IN NS ns.plain.com.", "ar ns.plain.com. 60 IN A 10.0.0.3")
	}
	w.says("10.0.0.3", down)
	w.says("10.0.0.5", up)
	c := w.plainly(nil)
	if m := c.ask("www.a.plain.com A"); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("%s", brief(m))
	}
	if n := len(w.asked()); n != 4 {
		t.Errorf("%d exchanges, want one to each server", n)
	}
}

// A thousand signatures or keys of a signed zone: the answer when the right one is among the first, or SERVFAIL; never
// much more asked than otherwise, and nothing forged.
func TestThousandsOfSignaturesAndKeys(t *testing.T) {
	t.Parallel()
	for _, what := range []uint16{dns.TypeRRSIG, dns.TypeDNSKEY, dns.TypeA} {
		for _, front := range []bool{true, false} {
			w := newWorld(t)
			many := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
				m := w.right("10.0.0.1", q, "tcp")
				var extra []dns.RR
				for i := range 1000 {
					for _, r := range m.Answer {
						if r.Header().Rrtype != what {
							continue
						}
						r = dns.Copy(r)
						switch r := r.(type) {
						case *dns.RRSIG:
							r.Signature = fmt.Sprintf("%04d", i) + r.Signature[4:]
						case *dns.DNSKEY:
							r.PublicKey = fmt.Sprintf("%04d", i) + r.PublicKey[4:]
						case *dns.A:
							r.A = []byte{203, 0, 113, 66}
						}
						extra = append(extra, r)
						break
					}
				}
				if front {
					m.Answer = append(extra, m.Answer...)
				} else {
					m.Answer = append(m.Answer, extra...)
				}
				m.Compress = true
				b, err := m.Pack()
				if err != nil || len(b) > 65535 {
					m.Answer = m.Answer[len(m.Answer)/3:]
					b, _ = m.Pack()
				}
				return act{raw: [][]byte{b[:min(len(b), 65535)]}}
			}
			w.break_("10.0.0.1", many)
			w.break_("10.0.0.2", many)
			c := w.resolver(nil)
			m, took := c.took("www.example.com A")
			if m.Rcode != dns.RcodeServerFailure && brief(m) != "NOERROR ad 300 192.0.2.80" || took > 20*time.Second {
				t.Errorf("%s, in front %v: %s after %v", dns.Type(what), front, brief(m), took)
			}
			if n := len(w.asked()); n > 40 {
				t.Errorf("%s: %d exchanges", dns.Type(what), n)
			}
			for _, e := range c.r.Dump() {
				for _, r := range e.RRs {
					if strings.Contains(r.String(), forged) && e.Status.String() != "bogus" {
						t.Errorf("the cache has %s as %v", r, e.Status)
					}
				}
			}
		}
	}
}

// FuzzUnsignedReply: whatever the server of an unsigned zone says, the answer comes within the bounds, and the cache holds
// nothing of it outside of that zone.
func FuzzUnsignedReply(f *testing.F) {
	for _, m := range malformed {
		q := query("www.plain.com A")
		f.Add(m.reply(q)[2:])
	}
	q := query("www.plain.com A")
	for _, m := range []*dns.Msg{
		say(q, "aa", "an www.plain.com. 60 IN A 192.0.2.1", "ns plain.com. 60 IN NS ns.plain.com.", "ar ns.plain.com. 60 IN A 10.0.0.3"),
		say(q, "", "ns www.plain.com. 60 IN NS ns.plain.com.", "ar ns.plain.com. 60 IN A 10.0.0.3"),
		say(q, "aa", "an www.plain.com. 60 IN CNAME www.example.com.", "an www.example.com. 60 IN A "+forged),
		say(q, "aa NXDOMAIN", "ns plain.com. 60 IN SOA a. b. 1 2 3 4 5"),
	} {
		f.Add(packed(f, m)[2:])
	}
	w := newWorld(f)
	var reply []byte
	w.break_("10.0.0.3", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		head := binary.BigEndian.AppendUint16(nil, q.Id)
		return act{raw: [][]byte{append(head, reply...)}}
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		w.t = t
		if len(data) > 60000 {
			return
		}
		reply = data
		for _, minimise := range []resolver.Minimisation{resolver.MinimiseOff, resolver.MinimiseRelaxed} {
			c := w.plainly(func(cfg *resolver.Config) { cfg.QNAMEMinimisation, cfg.RandomCase = minimise, false })
			m, took := c.took("www.plain.com A")
			if _, err := m.Pack(); err != nil || took > 20*time.Second {
				t.Fatalf("%s after %v: %v", brief(m), took, err)
			}
			if n := len(w.asked()); n > 100 {
				t.Fatalf("%d exchanges", n)
			}
			for _, e := range c.r.Dump() {
				known := map[string]bool{"com.": true, "a.gtld.com.": true, "b.gtld.com.": true, ".": true}
				if !dns.IsSubDomain("plain.com.", e.Name) && !known[e.Name] && e.Kind.String() != "failure" && !aliased(c, e.Name) {
					t.Fatalf("the cache has %s %s: %v", e.Name, dns.Type(e.Type), e.RRs)
				}
			}
		}
	})
}

// aliased says whether something in the cache leads to a name, or what is above it: then others were asked for it.
func aliased(c *client, name string) bool {
	for _, e := range c.r.Dump() {
		for _, r := range e.RRs {
			switch r := r.(type) {
			case *dns.CNAME:
				if dns.IsSubDomain(name, dns.CanonicalName(r.Target)) {
					return true
				}
			case *dns.DNAME:
				return true
			case *dns.NS:
				if dns.IsSubDomain(name, dns.CanonicalName(r.Ns)) {
					return true
				}
			}
		}
	}
	return false
}
