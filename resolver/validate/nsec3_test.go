package validate

import (
	"encoding/base32"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// The NSEC3 records of RFC 5155 appendix A: 12 iterations, salt aabbccdd, Opt-Out.
const (
	hashApex  = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" // example.
	hashNS1   = "2t7b4g4vsa5smi47k61mv5bv1a22bojr" // ns1.example.
	hashXYW   = "2vptu5timamqttgl4luu9kg21e0aor3s" // x.y.w.example.
	hashA     = "35mthgpgcu1qg68fab165klnsnk3dpvl" // a.example.
	hashXW    = "b4um86eghhds6nea196smvmlo4ors995" // x.w.example.
	hashAI    = "gjeqe526plbf1g8mklp59enfd789njgi" // ai.example.
	hashYW    = "ji6neoaepv8b5o6k4ev33abha8ht9fgc" // y.w.example.
	hashW     = "k8udemvp1j2f7eg6jebps17vp3n8i58h" // w.example.
	hashOdd   = "kohar7mbb8dc2ce8a9qvl8hon4k53uhi" // 2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.
	hashNS2   = "q04jkcevqvmu85r014c7dkba38o0ji5r" // ns2.example.
	hashStarW = "r53bq7cc2uvmubfu5ocmm6pers9tk9en" // *.w.example.
	hashXX    = "t644ebqk9bibcna874givr6joj62mlhv" // xx.example.
)

func nsec3Record(flags int, owner, next, types string) string {
	return fmt.Sprintf("%s.example. 3600 IN NSEC3 1 %d 12 aabbccdd %s %s", owner, flags, next, types)
}

// chain5155 is appendix A's chain, with or without Opt-Out.
func chain5155(flags int) map[string]string {
	chain := map[string]string{}
	links := []struct{ owner, types string }{
		{hashApex, "NS SOA MX RRSIG DNSKEY NSEC3PARAM"}, {hashNS1, "A RRSIG"}, {hashXYW, "MX RRSIG"}, {hashA, "NS DS RRSIG"},
		{hashXW, "MX RRSIG"}, {hashAI, "A HINFO AAAA RRSIG"}, {hashYW, ""}, {hashW, ""}, {hashOdd, "A RRSIG"}, {hashNS2, "A RRSIG"},
		{hashStarW, "MX RRSIG"}, {hashXX, "A HINFO AAAA RRSIG"},
	}
	for i, link := range links {
		chain[link.owner] = nsec3Record(flags, link.owner, links[(i+1)%len(links)].owner, link.types)
	}
	return chain
}

// The hashes that RFC 5155 appendix A prints.
func TestNSEC3Hash(t *testing.T) {
	t.Parallel()
	d := proof{checker: &checker{hashes: maxHashes}, nsec3: []nsec3{{iterations: 12, salt: []byte{0xaa, 0xbb, 0xcc, 0xdd}}}}
	for owner, want := range map[string]string{
		"Example.": hashApex, "ns1.example.": hashNS1, "x.y.w.example.": hashXYW, "a.example.": hashA, "x.w.example.": hashXW,
		"ai.example.": hashAI, "y.w.example.": hashYW, "w.example.": hashW, "2T7B4G4VSA5SMI47K61MV5BV1A22BOJR.example.": hashOdd,
		"ns2.example.": hashNS2, "*.w.example.": hashStarW, "xx.example.": hashXX,
	} {
		h, ok := d.hash(mustName(t, owner))
		if got := strings.ToLower(base32.HexEncoding.EncodeToString(h[:])); !ok || got != want {
			t.Errorf("%s: %s, want %s", owner, got, want)
		}
	}
}

func TestNSEC3(t *testing.T) {
	t.Parallel()
	opt, plain := chain5155(1), chain5155(0)
	list := func(lines ...string) []string { return lines }
	runQuestions(t, []question{
		// The examples of RFC 5155 appendix B. Its zone has Opt-Out; where the next closer name lies in such a span the data is
		// not Secure (section 9.2), and without Opt-Out it is.
		{name: "B.1 name error", ask: "NXDOMAIN", qname: "a.c.x.w.example.", denial: list(soaRecord, plain[hashApex], plain[hashXW], plain[hashA]), status: Secure},
		{name: "B.1 name error with Opt-Out", ask: "NXDOMAIN", qname: "a.c.x.w.example.", denial: list(opt[hashApex], opt[hashXW], opt[hashA]), status: Insecure, whyPieces: []string{"c.x.w.example.", "Opt-Out"}},
		{name: "B.2 no data", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeMX, denial: list(soaRecord, opt[hashNS1]), status: Secure},
		{name: "B.2.1 no data at an empty non-terminal", ask: "NODATA", qname: "y.w.example.", qtype: dns.TypeA, denial: list(soaRecord, opt[hashYW]), status: Secure},
		{name: "B.3 referral to an Opt-Out unsigned zone", ask: "DS", qname: "c.example.", denial: list(opt[hashA], opt[hashApex]), status: Insecure},
		{name: "B.4 wildcard", ask: "wildcard", qname: "a.z.w.example.", wildcard: "*.w.example.", denial: list(plain[hashNS2]), status: Secure},
		{name: "B.4 wildcard with Opt-Out", ask: "wildcard", qname: "a.z.w.example.", wildcard: "*.w.example.", denial: list(opt[hashNS2]), status: Insecure},
		{name: "B.5 wildcard no data", ask: "NODATA", qname: "a.z.w.example.", qtype: dns.TypeAAAA, denial: list(soaRecord, plain[hashW], plain[hashNS2], plain[hashStarW]), status: Secure},
		{name: "B.5 wildcard no data with Opt-Out", ask: "NODATA", qname: "a.z.w.example.", qtype: dns.TypeAAAA, denial: list(opt[hashW], opt[hashNS2], opt[hashStarW]), status: Insecure},
		{name: "B.6 DS asked of the child", ask: "NODATA", qname: "example.", qtype: dns.TypeDS, denial: list(soaRecord, opt[hashApex]), status: Bogus, ede: 6},

		// Name errors that are none.
		{name: "closest encloser missing", ask: "NXDOMAIN", qname: "a.c.x.w.example.", denial: list(plain[hashA]), status: Bogus, ede: 12, whyPieces: []string{"ancestor"}},
		{name: "next closer name not covered", ask: "NXDOMAIN", qname: "a.c.x.w.example.", denial: list(plain[hashXW], plain[hashA]), status: Bogus, ede: 12, whyPieces: []string{"c.x.w.example."}},
		{name: "wildcard not covered", ask: "NXDOMAIN", qname: "a.c.x.w.example.", denial: list(plain[hashApex], plain[hashXW]), status: Bogus, ede: 12, whyPieces: []string{"*.x.w.example."}},
		{name: "a closer encloser kept back", ask: "NXDOMAIN", qname: "a.c.x.w.example.", denial: list(plain[hashApex], plain[hashA]), status: Bogus, ede: 12},
		{name: "the name exists", ask: "NXDOMAIN", qname: "ns1.example.", denial: list(plain[hashNS1], plain[hashApex]), status: Bogus, ede: 6},
		{name: "the wildcard exists", ask: "NXDOMAIN", qname: "a.z.w.example.", denial: list(plain[hashW], plain[hashNS2], plain[hashStarW]), status: Bogus, ede: 6},
		{name: "below a delegation (section 8.3)", ask: "NXDOMAIN", qname: "x.a.example.", denial: list(plain[hashA], plain[hashApex], plain[hashXX], plain[hashOdd], plain[hashNS2], plain[hashXYW], plain[hashNS1], plain[hashAI]), status: Bogus, ede: 6},
		{name: "next hash altered", ask: "NXDOMAIN", qname: "a.c.x.w.example.", denial: list(nsec3Record(0, hashApex, hashApex[:31]+"n", "SOA"), plain[hashXW], plain[hashA]), status: Bogus, ede: 12},

		// Parameters (sections 8.1, 8.2; RFC 9276).
		{name: "unknown hash algorithm", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeMX, denial: list(strings.Replace(plain[hashNS1], "NSEC3 1 0", "NSEC3 2 0", 1)), status: Bogus, ede: 12, whyPieces: []string{"hash algorithm"}},
		{name: "unknown flags", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeMX, denial: list(strings.Replace(plain[hashNS1], "NSEC3 1 0", "NSEC3 1 2", 1)), status: Bogus, ede: 12, whyPieces: []string{"flags"}},
		{name: "salt altered", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeMX, denial: list(strings.Replace(plain[hashNS1], "aabbccdd", "aabbccde", 1)), status: Bogus, ede: 12},
		{name: "salt missing", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeMX, denial: list(strings.Replace(plain[hashNS1], "aabbccdd", "-", 1)), status: Bogus, ede: 12},
		{name: "differing salts", ask: "NXDOMAIN", qname: "a.c.x.w.example.", denial: list(plain[hashApex], plain[hashXW], strings.Replace(plain[hashA], "aabbccdd", "aa", 1)), status: Bogus, ede: 6},
		{name: "100 iterations", ask: "NODATA", qname: "x.example.", qtype: dns.TypeA, denial: list(strings.Replace(plain[hashNS1], " 12 ", " 100 ", 1)), status: Bogus, ede: 12},
		{name: "101 iterations (RFC 9276 3.2)", ask: "NODATA", qname: "x.example.", qtype: dns.TypeA, denial: list(strings.Replace(plain[hashNS1], " 12 ", " 101 ", 1)), status: Insecure, ede: 27, whyPieces: []string{"101"}},
		{name: "owner too deep", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeMX, denial: list(strings.Replace(plain[hashNS1], ".example.", ".sub.example.", 1)), status: Bogus, ede: 12},
		{name: "owner that is no hash", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeMX, denial: list(strings.Replace(plain[hashNS1], hashNS1, "www", 1)), status: Bogus, ede: 12},

		// No data.
		{name: "the type is there", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeA, denial: list(plain[hashNS1]), status: Bogus, ede: 6},
		{name: "at a delegation", ask: "NODATA", qname: "a.example.", qtype: dns.TypeA, denial: list(plain[hashA]), status: Bogus, ede: 6},
		{name: "DS of a name", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeDS, denial: list(plain[hashNS1]), status: Secure},
		{name: "DS in an Opt-Out span (section 8.6)", ask: "NODATA", qname: "c.example.", qtype: dns.TypeDS, denial: list(opt[hashA], opt[hashApex]), status: Insecure},
		{name: "DS in a span without Opt-Out", ask: "NODATA", qname: "c.example.", qtype: dns.TypeDS, denial: list(plain[hashA], plain[hashApex]), status: Bogus, ede: 12},
		{name: "empty non-terminal of unsigned delegations (erratum 3441)", ask: "NODATA", qname: "c.example.", qtype: dns.TypeA, denial: list(opt[hashA], opt[hashApex]), status: Insecure},
		{name: "the wildcard has the type", ask: "NODATA", qname: "a.z.w.example.", qtype: dns.TypeMX, denial: list(plain[hashW], plain[hashNS2], plain[hashStarW]), status: Bogus, ede: 6},
		{name: "wildcard kept back", ask: "NODATA", qname: "a.z.w.example.", qtype: dns.TypeAAAA, denial: list(plain[hashW], plain[hashNS2]), status: Bogus, ede: 12},

		// DS.
		{name: "DS is there", ask: "DS", qname: "a.example.", denial: list(plain[hashA]), status: Bogus, ede: 6},
		{name: "no zone cut", ask: "DS", qname: "ns1.example.", denial: list(plain[hashNS1]), status: Secure},
		{name: "no such name, without Opt-Out", ask: "DS", qname: "c.example.", denial: list(plain[hashA], plain[hashApex]), status: Secure},
		{name: "delegation with its own NSEC3", ask: "DS", qname: "a.example.", denial: list(nsec3Record(0, hashA, hashXW, "NS")), status: Insecure},
		{name: "the child's apex", ask: "DS", qname: "a.example.", denial: list(nsec3Record(0, hashA, hashXW, "NS SOA")), status: Bogus, ede: 6},
		{name: "nothing for it", ask: "DS", qname: "a.example.", denial: list(plain[hashNS1]), status: Bogus, ede: 12},

		// Wildcards.
		{name: "wildcard without its denial", ask: "wildcard", qname: "a.z.w.example.", wildcard: "*.w.example.", denial: list(plain[hashApex]), status: Bogus, ede: 12, whyPieces: []string{"z.w.example."}},
		{name: "a closer name exists", ask: "wildcard", qname: "a.x.w.example.", wildcard: "*.w.example.", denial: list(plain[hashXW]), status: Bogus, ede: 6},
	})
}

// CVE-2023-50868: a long name and many iterations cost a bounded number of hashes.
func TestHashesAreBounded(t *testing.T) {
	t.Parallel()
	k := newKey(t, "example.", 256, dns.ED25519, 1)
	denial := k.sets(t, strings.Replace(chain5155(0)[hashApex], " 12 ", " 100 ", 1))
	long := strings.Repeat("a.", 120) + "example."
	check(t, NameError(long, "example.", denial, dnskeys(k), now, Policy{}), Bogus, 6, "too many hashes")
	reverse := strings.Repeat("a.", 33) + "example."
	check(t, NameError(reverse, "example.", denial, dnskeys(k), now, Policy{}), Bogus, 12)
}
