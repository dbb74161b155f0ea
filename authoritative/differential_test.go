package authoritative

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// everything is a zone with one of each thing that makes an answer special.
const everything = `$TTL 300
@           3600  IN SOA   ns1 hostmaster 2024040201 3600 900 604800 60
@           86400 IN NS    ns1
@           86400 IN NS    NS2.Example.COM.
@           300   IN MX    10 mail
@           300   IN MX    20 mail.example.net.
@           300   IN TXT   "v=spf1 -all"
@           300   IN CAA   0 issue "ca.example.net"
ns1         300   IN A     10.0.1.20
ns1         300   IN AAAA  2001:db8::20
ns2         300   IN A     10.0.3.20
mail        300   IN A     10.0.2.25
MiXed       300   IN A     10.0.2.26
api         60    IN A     10.0.2.50
api         60    IN A     10.0.2.51
api         60    IN AAAA  2001:db8::50
www         300   IN CNAME api
chain       300   IN CNAME www
out         300   IN CNAME www.example.net.
dangling    300   IN CNAME nowhere
below       300   IN CNAME host.secure
tosub       300   IN CNAME sub
towild      300   IN CNAME a.wild
loop1       300   IN CNAME loop2
loop2       300   IN CNAME loop1
self        300   IN CNAME self
x.y.ent     300   IN A     10.0.2.60
*.wild      60    IN A     10.0.2.61
*.wild      60    IN TXT   "wild"
host.wild   60    IN TXT   "not wild"
a.ent.wild  60    IN A     10.0.2.62
*.cwild     60    IN CNAME api
*.owild     60    IN CNAME www.example.net.
*.mwild     60    IN MX    10 mail
*.a.*.two   60    IN A     10.0.2.63
_ldap._tcp  300   IN SRV   0 0 389 api
_sip._udp   300   IN SRV   0 0 5060 sip.example.net.
svc         300   IN HTTPS 1 . alpn=h2
svc         300   IN A     10.0.2.64
alias       300   IN HTTPS 0 svc
naptr       300   IN NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:a@example.com!" .
unknown     300   IN TYPE65300 \# 3 010203
dn          300   IN DNAME target
dn          300   IN TXT   "beside a DNAME"
target      300   IN A     10.0.2.70
a.target    300   IN A     10.0.2.71
c.target    300   IN CNAME api
dnout       300   IN DNAME example.net.
dnlong      300   IN DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.ccccccccccccccccccccccccccccccccccccccccccccccccccccccc.ddddddddddddd.example.net.
dnloop      300   IN DNAME dnloop
sub         3600  IN NS    ns.sub
sub         3600  IN NS    ns.elsewhere.example.net.
ns.sub      3600  IN A     10.0.4.1
ns.sub      3600  IN AAAA  2001:db8:4::1
secure      3600  IN NS    ns.secure
secure      3600  IN DS    1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
ns.secure   3600  IN A     10.0.4.2
sister1     3600  IN NS    ns.sister2
sister2     3600  IN NS    ns.sister2
ns.sister2  3600  IN A     10.0.4.3
inzone      3600  IN NS    ns1
deep.cut.ent2 3600 IN NS   ns.example.net.
big         300   IN TXT   %BIG%
many        3600  IN NS    ns00.many
%MANY%
`

func everythingText() string {
	big := strings.Repeat(`"`+strings.Repeat("x", 200)+`" `, 9)
	var many strings.Builder
	for i := range 28 {
		if i > 0 {
			fmt.Fprintf(&many, "many 3600 IN NS ns%02d.many\n", i)
		}
		fmt.Fprintf(&many, "ns%02d.many 3600 IN A 10.0.5.%d\nns%02d.many 3600 IN AAAA 2001:db8:5::%x\n", i, i, i, i)
	}
	return strings.NewReplacer("%BIG%", big, "%MANY%", many.String()).Replace(everything)
}

// other is a real server.
type other struct {
	name string
	at   netip.AddrPort
}

func (o other) ask(t testing.TB, q *dns.Msg, network string) *dns.Msg {
	t.Helper()
	c := dns.Client{Net: network, Timeout: 2 * time.Second, UDPSize: 4096}
	for try := 1; ; try++ {
		r, _, err := c.Exchange(q, o.at.String())
		if err == nil {
			return r
		}
		if try == 3 {
			t.Fatalf("%s: %s %s: %v", o.name, q.Question[0].Name, dns.Type(q.Question[0].Qtype), err)
		}
	}
}

// sight is what two answers are compared by.
type sight struct {
	rcode     string
	aa, tc    bool
	answer    []string // whole records, the case of names aside
	authority []string // owner and type
}

func (s sight) String() string {
	return fmt.Sprintf("%s aa=%v tc=%v answer %q authority %q", s.rcode, s.aa, s.tc, s.answer, s.authority)
}

func look(m *dns.Msg) sight {
	s := sight{rcode: dns.RcodeToString[m.Rcode], aa: m.Authoritative, tc: m.Truncated}
	if s.tc {
		return s // what is left in a truncated answer is anybody's choice, RFC 2181 section 9
	}
	for _, rr := range m.Answer {
		s.answer = append(s.answer, strings.ToLower(rr.String()))
	}
	for _, rr := range m.Ns {
		s.authority = append(s.authority, strings.ToLower(rr.Header().Name)+" "+dns.Type(coveredType(rr)).String()+" "+dns.Type(rr.Header().Rrtype).String())
	}
	slices.Sort(s.answer)
	slices.Sort(s.authority)
	s.answer, s.authority = slices.Compact(s.answer), slices.Compact(s.authority)
	return s
}

func (s sight) equal(o sight) bool {
	return s.rcode == o.rcode && s.aa == o.aa && s.tc == o.tc && slices.Equal(s.answer, o.answer) && slices.Equal(s.authority, o.authority)
}

// differences are those that the standards leave open, or in which the other one is behind them.
var differences = []struct {
	who  string // "": any of them
	why  string
	fits func(q dns.Question, ours, theirs sight) bool
}{
	{"", "ANY: one RRset of those there are will do, and which one is the server's choice (RFC 8482 section 4.1)",
		func(q dns.Question, ours, theirs sight) bool {
			return q.Qtype == dns.TypeANY && ours.rcode == theirs.rcode && ours.aa == theirs.aa && len(ours.answer) > 0 &&
				(len(theirs.answer) > 0 || theirs.tc)
		}},
	{"", "a referral without the glue that did not fit: TC is set since RFC 9471 section 3.1, of 2023",
		func(q dns.Question, ours, theirs sight) bool {
			return strings.HasSuffix(q.Name, "many.example.com.") && ours.tc && !ours.aa && !theirs.tc && len(theirs.authority)+len(theirs.answer) > 0
		}},
	{"named", "a loop of aliases: SERVFAIL with the chain; the chain itself tells the resolver no less",
		func(q dns.Question, ours, theirs sight) bool {
			return theirs.rcode == "SERVFAIL" && ours.rcode == "NOERROR" && slices.Equal(ours.answer, theirs.answer) &&
				(strings.Contains(q.Name, "loop") || strings.Contains(q.Name, "self"))
		}},
	{"named", "NSEC at a delegation point: answered from the parent's side; RFC 4035 section 3.1.4.1 asks that for DS alone",
		func(q dns.Question, ours, theirs sight) bool {
			return q.Qtype == dns.TypeNSEC && !ours.aa && theirs.aa && len(ours.authority) > 0 && len(theirs.answer) > 0
		}},
	{"", "the DS of an unsigned zone, which no validator has a use for: named gives it with some questions, nsd with none",
		func(q dns.Question, ours, theirs sight) bool {
			return slices.Contains(ours.authority, "secure.example.com. DS DS") && !slices.Contains(ours.authority, "secure.example.com. DS RRSIG") &&
				slices.Equal(ours.answer, theirs.answer) && slices.Equal(theirs.authority, []string{"secure.example.com. NS NS"})
		}},
	{"named", "NSEC asked for in a zone without: aliases are not followed for this type, as if there were NSEC beside them",
		func(q dns.Question, ours, theirs sight) bool {
			return q.Qtype == dns.TypeNSEC && theirs.rcode == "NOERROR" && len(theirs.answer) < len(ours.answer) &&
				slices.Contains(theirs.authority, "example.com. SOA SOA")
		}},
	{"named", "the wildcard is an empty non-terminal: the NSEC that shows this is left out (RFC 4592 section 4.2 has the case)",
		func(q dns.Question, ours, theirs sight) bool {
			return strings.HasSuffix(q.Name, ".two.example.com.") && subset(theirs.authority, ours.authority) && len(ours.authority)-len(theirs.authority) == 2
		}},
	{"nsd", "a question for a wildcard by its own name: its closest encloser is proved as well, though the name exists (RFC 5155 section 7.2.3)",
		func(q dns.Question, ours, theirs sight) bool {
			return strings.HasPrefix(q.Name, "*.") && slices.Equal(ours.answer, theirs.answer) && subset(ours.authority, theirs.authority)
		}},
	{"nsd", "ANY below a DNAME: the CNAME made from it is followed; to ANY it is an answer (RFC 1034 section 4.3.2, 3a)",
		func(q dns.Question, ours, theirs sight) bool {
			return q.Qtype == dns.TypeANY && strings.Contains(q.Name, ".dn.") && len(ours.answer) > 0 && theirs.rcode != "SERVFAIL"
		}},
	{"nsd", "NXDOMAIN at the end of a DNAME, with NSEC: the record that covers the name itself is left out (RFC 4035 section 3.1.3.2 wants it)",
		func(q dns.Question, ours, theirs sight) bool {
			return strings.Contains(q.Name, ".dn.") && ours.rcode == "NXDOMAIN" && theirs.rcode == "NXDOMAIN" && subset(theirs.authority, ours.authority)
		}},
}

// subset tells whether all of a are in b, and b has more.
func subset(a, b []string) bool {
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return len(b) > len(a)
}

func TestSameAsOthers(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"unsigned", "NSEC", "NSEC3"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			z := parseZone(t, "example.com.", everythingText())
			if kind != "unsigned" {
				p := signing(t, "example.com.").Params
				p.Inception, p.Expiration = start.Add(-time.Hour), start.Add(24*time.Hour)
				if kind == "NSEC3" {
					p.Denial, p.NSEC3.Salt = sign.NSEC3, []byte{0xab, 0xcd}
				}
				var err error
				if z, err = sign.Sign(z, p); err != nil {
					t.Fatal(err)
				}
			}
			compareWithOthers(t, z)
		})
	}
}

func compareWithOthers(t *testing.T, z *zone.Zone) {
	var text strings.Builder
	if err := zone.Write(&text, z); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"example.com": writeFile(t, t.TempDir(), "zone", text.String())}
	others := []other{{"named", startNamed(t, files)}, {"nsd", startNSD(t, files)}}
	l := newLab(t)
	s := l.server(primaryAddr, Config{Views: []View{{Zones: []Zone{{Origin: "example.com.", Data: z}}}}})
	asked, explained := 0, map[string]int{}
	for _, name := range differentialNames(z) {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeNS, dns.TypeMX, dns.TypeTXT, dns.TypeCNAME, dns.TypeSOA, dns.TypeDNAME, dns.TypeSRV,
			dns.TypeHTTPS, dns.TypeDS, dns.TypeDNSKEY, dns.TypeCAA, dns.TypeNSEC, dns.TypeNSEC3PARAM, dns.TypeLOC, 65300, dns.TypeANY} {
			for _, size := range []int{0, 1232, -1232} { // no EDNS, DO, no DO
				q := query(name, qtype)
				q.RecursionDesired = false
				if size != 0 {
					withEDNS(q, 1232, size > 0)
				}
				r := ask1(t, s, q, from(clientAddr, "udp"))
				ours := look(r)
				for _, o := range others {
					asked++
					theirs := look(o.ask(t, q, "udp"))
					if ours.equal(theirs) {
						continue
					}
					if why := explain(o.name, q.Question[0], ours, theirs); why != "" {
						explained[o.name+": "+why]++
						continue
					}
					t.Errorf("%s %s size %d:\n  ours  %v\n  %-5s %v", name, dns.Type(qtype), size, ours, o.name, theirs)
				}
			}
		}
	}
	t.Logf("%d answers compared", asked)
	for _, why := range sortedKeys(explained) {
		t.Logf("%5d times %s", explained[why], why)
	}
}

func explain(who string, q dns.Question, ours, theirs sight) string {
	for _, d := range differences {
		if (d.who == "" || d.who == who) && d.fits(q, ours, theirs) {
			return d.why
		}
	}
	return ""
}

// differentialNames are the zone's, and below each one and two that do not exist.
func differentialNames(z *zone.Zone) []string {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[strings.ToLower(name)] {
			seen[strings.ToLower(name)] = true
			names = append(names, name)
		}
	}
	for n := range z.Names() {
		if strings.Contains(n.Name, ".many.") && !strings.HasPrefix(n.Name, "ns00") {
			continue
		}
		add(n.Name)
		add("nx." + n.Name)
		add("Nx.nX." + n.Name)
	}
	add("a.dn.example.com.")
	add("c.dn.example.com.")
	add(strings.Repeat("q", 60) + "." + strings.Repeat("r", 60) + ".dnlong.example.com.")
	add("example.org.")
	return names
}
