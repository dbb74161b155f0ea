package zone_test

import (
	"fmt"
	"strings"
	"testing"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// The zone of RFC 4592 section 2.2.1.
const wildcardZone = `
$ORIGIN example.
$TTL 3600
@                 SOA  ns.example.com. hostmaster.example.com. 1 3600 900 604800 300
@                 NS   ns.example.com.
@                 NS   ns.example.net.
*                 TXT  "this is a wildcard"
*                 MX   10 host1.example.
sub.*             TXT  "this is not a wildcard"
host1             A    192.0.2.1
_ssh._tcp.host1   SRV  0 0 22 host1.example.
_ssh._tcp.host2   SRV  0 0 22 host1.example.
subdel            NS   ns.example.com.
subdel            NS   ns.example.net.
`

// RFC 4592 section 2.2.1 says for each of these whether the wildcard answers.
func TestWildcards(t *testing.T) {
	t.Parallel()
	z := load(t, "example.", wildcardZone)
	for _, c := range []struct {
		qname, qtype string
		outcome      zone.Outcome
		answer       string
	}{
		{"host3.example.", "MX", zone.Success, "host3.example. 3600 MX 10 host1.example.\n"},
		{"host3.example.", "A", zone.NODATA, ""},
		{"foo.bar.example.", "TXT", zone.Success, "foo.bar.example. 3600 TXT \"this is a wildcard\"\n"},
		{"host1.example.", "MX", zone.NODATA, ""},
		{"sub.*.example.", "MX", zone.NODATA, ""},
		{"_telnet._tcp.host1.example.", "SRV", zone.NXDOMAIN, ""},
		{"host.subdel.example.", "A", zone.Delegation, ""},
		{"ghost.*.example.", "MX", zone.NXDOMAIN, ""},
		// Section 2.2.2: an empty non-terminal exists, so the wildcard does not answer for it or below it.
		{"host2.example.", "TXT", zone.NODATA, ""},
		{"_tcp.host2.example.", "TXT", zone.NODATA, ""},
		{"a.host2.example.", "TXT", zone.NXDOMAIN, ""},
		// Section 2.3: the wildcard itself is a name like others.
		{"*.example.", "TXT", zone.Success, "*.example. 3600 TXT \"this is a wildcard\"\n"},
		// The owner is written as the question was.
		{"HoSt3.eXample.", "MX", zone.Success, "HoSt3.eXample. 3600 MX 10 host1.example.\n"},
	} {
		r := z.Lookup(c.qname, dns.StringToType[c.qtype], false)
		if r.Outcome != c.outcome || lines(r.Answer) != c.answer {
			t.Errorf("%s %s: %v\n%s", c.qname, c.qtype, r.Outcome, lines(r.Answer))
		}
		wantRcode := dns.RcodeSuccess
		if c.outcome == zone.NXDOMAIN {
			wantRcode = dns.RcodeNameError
		}
		if r.Rcode != wantRcode || r.Authoritative != (c.outcome != zone.Delegation) {
			t.Errorf("%s %s: %s, AA %t", c.qname, c.qtype, dns.RcodeToString[r.Rcode], r.Authoritative)
		}
		if c.outcome == zone.NODATA || c.outcome == zone.NXDOMAIN {
			if got := brief(r.Authority); got != "example. SOA" {
				t.Errorf("%s %s: authority %s", c.qname, c.qtype, got)
			}
		}
	}
}

// RFC 6672 section 2.2, the table of substitutions. There each row is a query, an owner and a target; rows that go
// around in a circle get YXDOMAIN or end in the bound on links, and are below.
func TestDNAMESubstitution(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ qname, owner, target, want string }{
		{"example.com.", "example.com.", "example.net.", ""},
		{"a.example.com.", "example.com.", "example.net.", "a.example.net."},
		{"a.b.example.com.", "example.com.", "example.net.", "a.b.example.net."},
		{"ab.example.com.", "b.example.com.", "example.net.", ""},
		{"foo.example.com.", "example.com.", "example.net.", "foo.example.net."},
		{"a.x.example.com.", "x.example.com.", "example.net.", "a.example.net."},
		{"a.example.com.", "example.com.", "y.example.net.", "a.y.example.net."},
		{"cyc.example.com.", "example.com.", "example.com.", "cyc.example.com."},
		{"cyc.example.com.", "example.com.", "c.example.com.", "cyc.c.example.com."},
		{"shortloop.x.x.", "x.", ".", "shortloop.x."},
		{"shortloop.x.", "x.", ".", "shortloop."},
		{"a.b.", ".", "example.net.", "a.b.example.net."},
		// Escapes and case are the question's.
		{`A\.b.C.example.com.`, "example.com.", "example.net.", `A\.b.C.example.net.`},
	} {
		origin := c.owner
		if c.owner == "b.example.com." || c.owner == "x.example.com." {
			origin = "example.com."
		}
		z := load(t, origin, "$TTL 3600\n@ SOA ns.elsewhere. h.elsewhere. 1 2 3 4 5\n@ NS ns.elsewhere.\n"+
			c.owner+" 600 DNAME "+c.target+"\n")
		r := z.Lookup(c.qname, dns.TypeCNAME, false)
		want := ""
		if c.want != "" {
			want = c.owner + " 600 DNAME " + c.target + "\n" + c.qname + " 600 CNAME " + c.want + "\n"
		}
		if got := lines(r.Answer); got != want {
			t.Errorf("%s at %s to %s:\n%s", c.qname, c.owner, c.target, got)
		}
	}
}

const aliasZone = `
$ORIGIN example.com.
$TTL 3600
@           SOA   ns1 hostmaster 1 3600 900 604800 300
@           NS    ns1
ns1         A     192.0.2.1
www         CNAME web
web         CNAME host
host        A     192.0.2.2
outside     CNAME www.example.net.
dangling    CNAME nowhere
typeless    CNAME ns1
below       CNAME x.sub
loop        CNAME loop2
loop2       CNAME loop
self        CNAME self
sub         NS    ns.sub
ns.sub      A     192.0.2.3
*.wild      CNAME host
moved       DNAME example.com.
away        DNAME example.net.
round       DNAME x.round
viamoved    CNAME www.moved
` + "long DNAME " + longName + "\n"

// longName is of 190 octets.
const longName = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa." +
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example."

func TestAliases(t *testing.T) {
	t.Parallel()
	z := load(t, "example.com.", aliasZone)
	for _, c := range []struct {
		qname, qtype string
		outcome      zone.Outcome
		rcode        int
		answer       string
		authority    string
	}{
		{"www", "A", zone.Success, 0, "www CNAME, web CNAME, host A", ""},
		{"www", "CNAME", zone.Success, 0, "www CNAME", ""},
		{"www", "ANY", zone.Success, 0, "www CNAME", ""},
		{"outside", "A", zone.CNAME, 0, "outside CNAME", ""},
		// RFC 6604 section 3: RCODE is about the last name; RFC 2308 section 2.1 has the SOA there.
		{"dangling", "A", zone.NXDOMAIN, 3, "dangling CNAME", "SOA"},
		{"typeless", "AAAA", zone.NODATA, 0, "typeless CNAME", "SOA"},
		{"below", "A", zone.Delegation, 0, "below CNAME", "sub NS"},
		{"loop", "A", zone.CNAME, 0, "loop CNAME, loop2 CNAME", ""},
		{"self", "A", zone.CNAME, 0, "self CNAME", ""},
		{"q.wild", "A", zone.Success, 0, "q.wild CNAME, host A", ""},
		{"Www.moved", "A", zone.Success, 0, "moved DNAME, Www.moved CNAME, www CNAME, web CNAME, host A", ""},
		{"a.away", "A", zone.DNAME, 0, "away DNAME, a.away CNAME", ""},
		{"away", "DNAME", zone.Success, 0, "away DNAME", ""},
		{"away", "A", zone.NODATA, 0, "", "SOA"},
		{"viamoved", "A", zone.Success, 0, "viamoved CNAME, moved DNAME, www.moved CNAME, www CNAME, web CNAME, host A", ""},
		// RFC 6672 section 2.2: YXDOMAIN when the new name is too long; the DNAME shows why.
		{"b." + strings.Repeat("c", 63) + ".long", "A", zone.DNAME, dns.RcodeYXDomain, "long DNAME", ""},
	} {
		r := z.Lookup(c.qname+".example.com.", dns.StringToType[c.qtype], false)
		answer := strings.ReplaceAll(brief(r.Answer), ".example.com.", "")
		authority := strings.ReplaceAll(strings.ReplaceAll(brief(r.Authority), ".example.com.", ""), "example.com. ", "")
		if r.Outcome != c.outcome || r.Rcode != c.rcode || answer != c.answer || authority != c.authority || !r.Authoritative {
			t.Errorf("%s %s: %v, rcode %d, AA %t, answer %q, authority %q", c.qname, c.qtype, r.Outcome, r.Rcode,
				r.Authoritative, answer, authority)
		}
	}
}

// A DNAME into itself grows the name until a bound ends it, and nothing else does.
func TestAliasesAreBounded(t *testing.T) {
	t.Parallel()
	r := load(t, "example.com.", aliasZone).Lookup("a.round.example.com.", dns.TypeA, false)
	if r.Outcome != zone.DNAME || len(r.Answer) > 20 {
		t.Errorf("%v with %d records", r.Outcome, len(r.Answer))
	}
}

const delegationZone = `
$ORIGIN com.
$TTL 900
@                 SOA  a.gtld-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400
@                 NS   a.gtld-servers.net.
$TTL 172800
solvethenetwork   NS   ns1.solvethenetwork
solvethenetwork   NS   ns2.Provider
ns1.SolveTheNetwork   A    203.0.113.53
ns1.solvethenetwork   AAAA 2001:db8::53
provider          NS   ns2.provider
ns2.provider      A    198.51.100.53
lonely            NS   ns.example.net.
own               NS   here
here              A    192.0.2.7
signed            NS   ns.example.net.
signed      86400 DS   1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
`

// RFC 9471: glue for the delegation itself first, siblings' too. RFC 1034 section 4.3.2 step 3b.
func TestReferrals(t *testing.T) {
	t.Parallel()
	z := load(t, "com.", delegationZone)
	glue := "ns1.SolveTheNetwork.com. A, ns1.solvethenetwork.com. AAAA, ns2.provider.com. A"
	for _, c := range []struct {
		qname, qtype          string
		outcome               zone.Outcome
		authority, additional string
	}{
		{"solvethenetwork.com.", "A", zone.Delegation, "solvethenetwork.com. NS, solvethenetwork.com. NS", glue},
		{"API.solvethenetwork.com.", "A", zone.Delegation, "solvethenetwork.com. NS, solvethenetwork.com. NS", glue},
		{"ns1.solvethenetwork.com.", "A", zone.Delegation, "solvethenetwork.com. NS, solvethenetwork.com. NS", glue},
		{"solvethenetwork.com.", "NS", zone.Delegation, "solvethenetwork.com. NS, solvethenetwork.com. NS", glue},
		{"solvethenetwork.com.", "ANY", zone.Delegation, "solvethenetwork.com. NS, solvethenetwork.com. NS", glue},
		{"x.lonely.com.", "DS", zone.Delegation, "lonely.com. NS", ""},
		{"x.own.com.", "A", zone.Delegation, "own.com. NS", "here.com. A"},
		{"signed.com.", "A", zone.Delegation, "signed.com. NS", ""},
		// RFC 4035 section 3.1.4.1: DS is the parent's.
		{"signed.com.", "DS", zone.Success, "", ""},
		{"lonely.com.", "DS", zone.NODATA, "com. SOA", ""},
		{"com.", "DS", zone.NODATA, "com. SOA", ""},
	} {
		r := z.Lookup(c.qname, dns.StringToType[c.qtype], false)
		if r.Outcome != c.outcome || brief(r.Authority) != c.authority || brief(r.Additional) != c.additional {
			t.Errorf("%s %s: %v, authority %q, additional %q", c.qname, c.qtype, r.Outcome, brief(r.Authority), brief(r.Additional))
		}
		if r.Authoritative != (c.outcome != zone.Delegation) {
			t.Errorf("%s %s: AA %t", c.qname, c.qtype, r.Authoritative)
		}
	}
}

// RFC 2308 section 3: how long "there is none" holds is the lesser of the SOA's TTL and its last field; as an answer
// the SOA keeps its own.
func TestNegativeTTL(t *testing.T) {
	t.Parallel()
	z := load(t, "example.", wildcardZone)
	for _, c := range []struct {
		qname string
		ttl   uint32
	}{{"host1.example.", 300}, {"a.host1.example.", 300}} {
		if ttl := z.Lookup(c.qname, dns.TypeMX, false).Authority[0].Header().Ttl; ttl != c.ttl {
			t.Errorf("%s: %d", c.qname, ttl)
		}
	}
	if ttl := z.Lookup("example.", dns.TypeSOA, false).Answer[0].Header().Ttl; ttl != 3600 {
		t.Errorf("the SOA's own: %d", ttl)
	}
}

// RFC 8482 section 4.1: one RRset is enough for ANY.
func TestANY(t *testing.T) {
	t.Parallel()
	z := load(t, "example.", wildcardZone)
	for qname, want := range map[string]string{
		"example.":       "example. NS, example. NS",
		"host1.example.": "host1.example. A",
		"other.example.": "other.example. MX",
		"host2.example.": "",
	} {
		if got := brief(z.Lookup(qname, dns.TypeANY, false).Answer); got != want {
			t.Errorf("%s: %q", qname, got)
		}
	}
}

func TestAdditionalAddresses(t *testing.T) {
	t.Parallel()
	z := load(t, "example.", `
$TTL 60
@     SOA ns h 1 2 3 4 5
@     NS  ns
@     MX  10 mail
@     MX  20 mail.elsewhere.
ns    A   192.0.2.1
mail  A   192.0.2.2
mail  AAAA 2001:db8::2
_s    SRV 0 0 1 mail
_n    SRV 0 0 1 .
svc   HTTPS 1 . alpn=h2
svc   A   192.0.2.3
`)
	for q, want := range map[string]string{
		"example. MX":        "mail.example. A, mail.example. AAAA",
		"example. NS":        "ns.example. A",
		"_s.example. SRV":    "mail.example. A, mail.example. AAAA",
		"_n.example. SRV":    "",
		"svc.example. HTTPS": "svc.example. A",
		"mail.example. A":    "",
	} {
		qname, qtype, _ := strings.Cut(q, " ")
		if got := brief(z.Lookup(qname, dns.StringToType[qtype], false).Additional); got != want {
			t.Errorf("%s: %q", q, got)
		}
	}
}

// Names match without case, whatever escapes they are written with; records come in the zone's own case.
func TestCaseAndEscapes(t *testing.T) {
	t.Parallel()
	z := load(t, "Example.COM.", `
$TTL 60
@      SOA ns.example.net. h.example.net. 1 2 3 4 5
@      NS  ns.example.net.
WwW    A   192.0.2.1
a\.b   A   192.0.2.2
\097c  A   192.0.2.3
`)
	if z.Origin() != "example.com." {
		t.Errorf("origin %s", z.Origin())
	}
	for qname, want := range map[string]string{
		"www.EXAMPLE.com.":    "WwW.Example.COM. A",
		"www.example.com":     "WwW.Example.COM. A",
		`A\046b.example.com.`: `a\.b.Example.COM. A`,
		"ac.example.com.":     `\097c.Example.COM. A`,
		"a.b.example.com.":    "",
		"":                    "",
		"..":                  "",
		`\`:                   "",
		`\999.example.com.`:   "",
		"example.com.evil.":   "",
		"com.":                "",
		".":                   "",
		"xexample.com.":       "",
		strings.Repeat("a", 64) + ".example.com.": "",
	} {
		if got := brief(z.Lookup(qname, dns.TypeA, false).Answer); got != want {
			t.Errorf("%q: %q", qname, got)
		}
	}
	for _, qname := range []string{"", "..", "com.", ".", "xexample.com.", "example.com.evil."} {
		if r := z.Lookup(qname, dns.TypeA, true); r.Outcome != zone.NotInZone || r.Rcode != dns.RcodeRefused || r.Authoritative {
			t.Errorf("%q: %v", qname, r)
		}
	}
}

// The root is a zone like others.
func TestRootZone(t *testing.T) {
	t.Parallel()
	z := load(t, ".", `
$TTL 518400
.    86400 SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400
.    NS   a.root-servers.net.
com. 172800 NS a.gtld-servers.net.
a.gtld-servers.net. 172800 A 192.5.6.30
net. 172800 NS a.gtld-servers.net.
`)
	if r := z.Lookup("www.example.com.", dns.TypeA, false); r.Outcome != zone.Delegation || brief(r.Additional) != "a.gtld-servers.net. A" {
		t.Errorf("%v %s", r.Outcome, brief(r.Additional))
	}
	if r := z.Lookup("nosuchtld.", dns.TypeA, false); r.Outcome != zone.NXDOMAIN || brief(r.Authority) != ". SOA" {
		t.Errorf("%v %s", r.Outcome, brief(r.Authority))
	}
}

// Whoever appends to a section of one result must not write into another's.
func TestSectionsHaveNoSpareCapacity(t *testing.T) {
	t.Parallel()
	z := load(t, "com.", delegationZone)
	for _, qname := range []string{"com.", "solvethenetwork.com.", "nothere.com.", "here.com."} {
		for _, dnssec := range []bool{false, true} {
			r := z.Lookup(qname, dns.TypeA, dnssec)
			for _, section := range [][]dns.RR{r.Answer, r.Authority, r.Additional} {
				if cap(section) != len(section) {
					t.Errorf("%s: capacity %d, length %d", qname, cap(section), len(section))
				}
			}
		}
	}
}

func benchZone(b *testing.B) *zone.Zone {
	var text strings.Builder
	text.WriteString(delegationZone)
	for i := range 1000 {
		fmt.Fprintf(&text, "host%d A 10.0.%d.%d\n", i, i/256, i%256)
	}
	text.WriteString("*.apps A 10.1.1.1\nalias CNAME host7\n")
	return load(b, "com.", text.String())
}

func BenchmarkLookup(b *testing.B) {
	z := benchZone(b)
	for _, c := range []struct{ name, qname string }{
		{"positive", "host500.com."}, {"mixed-case", "HoSt500.cOm."}, {"NXDOMAIN", "nothere.com."},
		{"referral", "www.solvethenetwork.com."}, {"wildcard", "x.apps.com."}, {"CNAME", "alias.com."},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				z.Lookup(c.qname, dns.TypeA, false)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	z := benchZone(b)
	var rrs []dns.RR
	for set := range z.RRsets() {
		rrs = append(rrs, set.RRs...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := zone.New("com.", rrs); err != nil {
			b.Fatal(err)
		}
	}
}
