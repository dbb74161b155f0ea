package interop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// origin is the zone of all the tests here.
const origin = "example.com."

// content has one of each thing that servers treat in a way of its own.
const content = `$TTL 300
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
x.y.ent     300   IN A     10.0.2.60
*.wild      60    IN A     10.0.2.61
*.wild      60    IN TXT   "wild"
host.wild   60    IN TXT   "not wild"
a.ent.wild  60    IN A     10.0.2.62
*.cwild     60    IN CNAME api
*.mwild     60    IN MX    10 mail
_ldap._tcp  300   IN SRV   0 0 389 api
_sip._udp   300   IN SRV   0 0 5060 sip.example.net.
svc         300   IN HTTPS 1 . alpn=h2
svc         300   IN A     10.0.2.64
alias       300   IN HTTPS 0 svc
naptr       300   IN NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:a@example.com!" .
sshfp       300   IN SSHFP 4 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
_443._tcp   300   IN TLSA  3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
loc         300   IN LOC   52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
unknown     300   IN TYPE65300 \# 3 010203
esc\.aped   300   IN A     10.0.2.65
dn          300   IN DNAME target
dn          300   IN TXT   "beside a DNAME"
target      300   IN A     10.0.2.70
a.target    300   IN A     10.0.2.71
dnout       300   IN DNAME example.net.
sub         3600  IN NS    ns.sub
sub         3600  IN NS    ns.elsewhere.example.net.
ns.sub      3600  IN A     10.0.4.1
ns.sub      3600  IN AAAA  2001:db8:4::1
secure      3600  IN NS    ns.secure
secure      3600  IN DS    1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
ns.secure   3600  IN A     10.0.4.2
deep.cut.ent2 3600 IN NS   ns.example.net.
big         300   IN TXT   %BIG%
`

func contentText() string {
	return strings.ReplaceAll(content, "%BIG%", strings.Repeat(`"`+strings.Repeat("x", 200)+`" `, 9))
}

func parseZone(t testing.TB, text string) *zone.Zone {
	t.Helper()
	rrs, err := zone.Parse(strings.NewReader(text), origin, "test")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zone.New(origin, rrs)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func records(t testing.TB, text string) []dns.RR {
	t.Helper()
	rrs, err := zone.Parse(strings.NewReader("$TTL 300\n"+text), origin, "records")
	if err != nil {
		t.Fatal(err)
	}
	return rrs
}

func text(t testing.TB, z *zone.Zone) string {
	t.Helper()
	var b strings.Builder
	if err := zone.Write(&b, z); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// edit is one change of the zone, as an operator makes it.
type edit struct {
	what    string
	changes []zone.Change
}

// tenEdits are the changes that the other servers have to follow, each with a new serial.
func tenEdits(t testing.TB) []edit {
	add := func(text string) zone.Change { return zone.Change{Op: zone.Add, RRs: records(t, text)} }
	remove := func(text string) zone.Change { return zone.Change{Op: zone.Delete, RRs: records(t, text)} }
	removeSet := func(name string, rrtype uint16) zone.Change {
		return zone.Change{Op: zone.DeleteRRset, Name: name + "." + origin, Type: rrtype}
	}
	var many strings.Builder
	for i := range 40 {
		fmt.Fprintf(&many, "many 60 IN TXT \"%02d %s\"\n", i, strings.Repeat("m", 180))
	}
	return []edit{
		{"an address more", []zone.Change{add("api 60 IN A 10.0.2.52")}},
		{"a new name, with empty ones above it", []zone.Change{add("a.b.c.new IN A 10.0.6.1"), add("a.b.c.new IN TXT \"new\"")}},
		{"one record of several goes", []zone.Change{remove("api 60 IN A 10.0.2.50")}},
		{"an RRset goes, and its name stays", []zone.Change{removeSet("ns1", dns.TypeAAAA)}},
		{"an RRset in place of another", []zone.Change{removeSet("mail", dns.TypeA), add("mail 600 IN A 10.0.2.27"), add("mail 600 IN A 10.0.2.28")}},
		{"an alias becomes a host", []zone.Change{removeSet("www", dns.TypeCNAME), add("www 60 IN A 10.0.2.99")}},
		{"a wildcard comes, a host under another goes", []zone.Change{add("*.late 60 IN A 10.0.6.2"), removeSet("host.wild", dns.TypeTXT)}},
		{"a delegation with DS comes", []zone.Change{add("new-child 3600 IN NS ns.new-child"), add("ns.new-child 3600 IN A 10.0.6.3"),
			add("new-child 3600 IN DS 2 13 2 ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100")}},
		{"an RRset larger than a datagram", []zone.Change{add(many.String())}},
		{"much of it goes again", []zone.Change{removeSet("many", dns.TypeTXT), removeSet("a.b.c.new", dns.TypeA), removeSet("a.b.c.new", dns.TypeTXT),
			removeSet("secure", dns.TypeDS)}},
	}
}

// apply makes an edit on a copy.
func apply(t testing.TB, z *zone.Zone, e edit) *zone.Zone {
	t.Helper()
	next, err := z.Apply(e.changes...)
	if err != nil {
		t.Fatalf("%s: %v", e.what, err)
	}
	return next
}

// updates are an edit as nsupdate's commands.
func (e edit) updates() string {
	var b strings.Builder
	for _, c := range e.changes {
		switch c.Op {
		case zone.Add:
			for _, rr := range c.RRs {
				fmt.Fprintf(&b, "update add %s\n", oneLine(rr))
			}
		case zone.Delete:
			for _, rr := range c.RRs {
				h := rr.Header()
				fmt.Fprintf(&b, "update delete %s %s %s\n", h.Name, dns.Type(h.Rrtype), rdata(rr))
			}
		case zone.DeleteRRset:
			fmt.Fprintf(&b, "update delete %s %s\n", c.Name, dns.Type(c.Type))
		}
	}
	return b.String()
}

func oneLine(rr dns.RR) string { return strings.ReplaceAll(rr.String(), "\t", " ") }

func rdata(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }

// signing signs the zone around the wall's now.
func signing(t testing.TB, p sign.Params) *authoritative.Signing {
	t.Helper()
	if p.Keys == nil {
		p.Keys = keyPair(t, dns.ECDSAP256SHA256)
	}
	return &authoritative.Signing{Params: p, Validity: 15 * 24 * time.Hour, Refresh: 5 * 24 * time.Hour, Epoch: time.Now().Add(-24 * time.Hour).Truncate(time.Second)}
}

// keyPair is a KSK and a ZSK. RSA keys are imported: there is no deriving them.
func keyPair(t testing.TB, algorithm uint8) []*sign.Key {
	t.Helper()
	var keys []*sign.Key
	for _, flags := range []uint16{sign.FlagsKSK, sign.FlagsZSK} {
		var k *sign.Key
		var err error
		if algorithm == dns.RSASHA256 || algorithm == dns.RSASHA512 {
			k = generatedKey(t, algorithm, flags)
		} else if k, err = sign.DeriveKey(origin, flags, algorithm, []byte("interoperation"), "", keys...); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

// generatedKey is one of dnssec-keygen's.
func generatedKey(t testing.TB, algorithm uint8, flags uint16) *sign.Key {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-q", "-K", dir, "-a", dns.AlgorithmToString[algorithm], "-b", "2048"}
	if flags == sign.FlagsKSK {
		args = append(args, "-f", "KSK")
	}
	run(t, "dnssec-keygen", append(args, origin)...)
	names, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%v, %v", names, err)
	}
	k, err := sign.ReadKey(os.DirFS(dir), filepath.Base(names[0]))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sortedRecords are a zone's records as text, for comparison: one SOA, in no order, the case of owners aside.
func sortedRecords(rrs []dns.RR) []string {
	var list []string
	for _, rr := range rrs {
		list = append(list, canonical(rr))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func canonical(rr dns.RR) string { return strings.ToLower(oneLine(rr)) }

// difference tells what is in one of two sorted lists only.
func difference(ours, theirs []string) string {
	var b strings.Builder
	for _, s := range ours {
		if _, ok := slices.BinarySearch(theirs, s); !ok {
			fmt.Fprintf(&b, "  ours alone   %s\n", s)
		}
	}
	for _, s := range theirs {
		if _, ok := slices.BinarySearch(ours, s); !ok {
			fmt.Fprintf(&b, "  theirs alone %s\n", s)
		}
	}
	return b.String()
}

func zoneRecords(z *zone.Zone) []string {
	var rrs []dns.RR
	for rr := range z.Transfer() {
		rrs = append(rrs, rr)
	}
	return sortedRecords(rrs)
}
