package validate

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The NSEC records of RFC 4035 appendix A.
const (
	nsecApex  = "example. 3600 IN NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY"
	nsecA     = "a.example. 3600 IN NSEC ai.example. NS DS RRSIG NSEC"
	nsecAI    = "ai.example. 3600 IN NSEC b.example. A HINFO AAAA RRSIG NSEC"
	nsecB     = "b.example. 3600 IN NSEC ns1.example. NS RRSIG NSEC"
	nsecNS1   = "ns1.example. 3600 IN NSEC ns2.example. A RRSIG NSEC"
	nsecNS2   = "ns2.example. 3600 IN NSEC *.w.example. A RRSIG NSEC"
	nsecStarW = "*.w.example. 3600 IN NSEC x.w.example. MX RRSIG NSEC"
	nsecXW    = "x.w.example. 3600 IN NSEC x.y.w.example. MX RRSIG NSEC"
	nsecXYW   = "x.y.w.example. 3600 IN NSEC xx.example. MX RRSIG NSEC"
	nsecXX    = "xx.example. 3600 IN NSEC example. A HINFO AAAA RRSIG NSEC"

	soaRecord = "example. 3600 IN SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600"
)

// question is what a proof is asked.
type question struct {
	name      string
	ask       string // "NXDOMAIN", "NODATA", "DS" or "wildcard"
	qname     string
	qtype     uint16
	wildcard  string
	denial    []string
	status    Status
	ede       uint16
	whyPieces []string
}

func (q question) put(denial []RRset, keys []dns.RR, at time.Time) Verdict {
	switch q.ask {
	case "NXDOMAIN":
		return NameError(q.qname, "example.", denial, keys, at, Policy{})
	case "NODATA":
		return NoData(q.qname, q.qtype, "example.", denial, keys, at, Policy{})
	case "DS":
		return NoDS(q.qname, "example.", denial, keys, at, Policy{})
	default:
		return NoCloserMatch(q.qname, q.wildcard, "example.", denial, keys, at, Policy{})
	}
}

func runQuestions(t *testing.T, questions []question) {
	k := newKey(t, "example.", 256, dns.ED25519, 1)
	for _, q := range questions {
		t.Run(q.name, func(t *testing.T) {
			denial := k.sets(t, q.denial...)
			v := q.put(denial, dnskeys(k), now)
			check(t, v, q.status, q.ede, q.whyPieces...)
			if v.Status == Bogus {
				return
			}
			if !v.Until.Equal(expiration) {
				t.Errorf("good until %v", v.Until)
			}
			check(t, q.put(denial, dnskeys(k), expiration.Add(time.Second)), Bogus, 7)
			for i := range denial {
				unsigned := append([]RRset(nil), denial...)
				unsigned[i].Sigs = nil
				check(t, q.put(unsigned, dnskeys(k), now), Bogus, 10)
			}
		})
	}
}

func TestNSEC(t *testing.T) {
	t.Parallel()
	list := func(lines ...string) []string { return lines }
	runQuestions(t, []question{
		// The examples of RFC 4035 appendix B.
		{name: "B.2 name error", ask: "NXDOMAIN", qname: "ml.example.", denial: list(soaRecord, nsecB, nsecApex), status: Secure},
		{name: "B.3 no data", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeMX, denial: list(soaRecord, nsecNS1), status: Secure},
		{name: "B.5 referral to an unsigned zone", ask: "DS", qname: "b.example.", denial: list(nsecB), status: Insecure, whyPieces: []string{"b.example."}},
		{name: "B.6 wildcard", ask: "wildcard", qname: "a.z.w.example.", wildcard: "*.w.example.", denial: list(nsecXYW), status: Secure},
		{name: "B.7 wildcard no data", ask: "NODATA", qname: "a.z.w.example.", qtype: dns.TypeAAAA, denial: list(soaRecord, nsecXYW, nsecStarW), status: Secure},
		{name: "B.8 DS asked of the child", ask: "NODATA", qname: "example.", qtype: dns.TypeDS, denial: list(soaRecord, nsecApex), status: Bogus, ede: 6},

		// Name errors that are none.
		{name: "no NSEC", ask: "NXDOMAIN", qname: "ml.example.", denial: list(soaRecord), status: Bogus, ede: 12, whyPieces: []string{"ml.example."}},
		{name: "nothing at all", ask: "NXDOMAIN", qname: "ml.example.", status: Bogus, ede: 12},
		{name: "wrong span", ask: "NXDOMAIN", qname: "ml.example.", denial: list(nsecNS1, nsecApex), status: Bogus, ede: 12, whyPieces: []string{"ml.example."}},
		{name: "wildcard not denied", ask: "NXDOMAIN", qname: "ml.example.", denial: list(nsecB), status: Bogus, ede: 12, whyPieces: []string{"*.example."}},
		{name: "the name exists", ask: "NXDOMAIN", qname: "ns1.example.", denial: list(nsecNS1, nsecApex), status: Bogus, ede: 6},
		{name: "the wildcard exists", ask: "NXDOMAIN", qname: "a.z.w.example.", denial: list(nsecXYW, nsecStarW), status: Bogus, ede: 6},
		{name: "an empty non-terminal exists", ask: "NXDOMAIN", qname: "y.w.example.", denial: list(nsecXW, nsecNS2), status: Bogus, ede: 6},
		{name: "below a delegation (RFC 6840 4.1)", ask: "NXDOMAIN", qname: "x.b.example.", denial: list(nsecB, nsecApex), status: Bogus, ede: 12},
		{name: "below a DNAME (RFC 6840 4.1)", ask: "NXDOMAIN", qname: "x.c.example.",
			denial: list("c.example. 60 IN NSEC d.example. DNAME RRSIG NSEC", nsecApex), status: Bogus, ede: 12},
		{name: "not in the zone", ask: "NXDOMAIN", qname: "example.com.", denial: list(nsecB, nsecApex), status: Bogus, ede: 6},
		{name: "the last of the zone", ask: "NXDOMAIN", qname: "zz.example.", denial: list(nsecXX, nsecApex), status: Secure},
		{name: "a next name out of the zone", ask: "NXDOMAIN", qname: "zz.example.",
			denial: list("xx.example. 60 IN NSEC example.com. A RRSIG NSEC", nsecApex), status: Bogus, ede: 12},
		{name: "a last one that does not lead to the apex", ask: "NXDOMAIN", qname: "zz.example.",
			denial: list("xx.example. 60 IN NSEC a.example. A RRSIG NSEC", nsecApex), status: Bogus, ede: 12},
		{name: "a zone of one name", ask: "NXDOMAIN", qname: "x.example.", denial: list("example. 60 IN NSEC example. NS SOA RRSIG NSEC"), status: Secure},
		{name: "black lies (RFC 9824 denies by NODATA)", ask: "NODATA", qname: "x.example.", qtype: dns.TypeA,
			denial: list(`x.example. 60 IN NSEC \000.x.example. RRSIG NSEC TYPE128`), status: Secure},
		{name: "white lies (RFC 4470)", ask: "NXDOMAIN", qname: "i.example.",
			denial: list("h~.example. 60 IN NSEC i-.example. NSEC RRSIG", `\).example. 60 IN NSEC +.example. NSEC RRSIG`), status: Secure},

		// No data.
		{name: "empty non-terminal", ask: "NODATA", qname: "y.w.example.", qtype: dns.TypeA, denial: list(nsecXW), status: Secure},
		{name: "empty non-terminal before a wildcard", ask: "NODATA", qname: "w.example.", qtype: dns.TypeA, denial: list(nsecNS2), status: Secure},
		{name: "the type is there", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeA, denial: list(nsecNS1), status: Bogus, ede: 6},
		{name: "a CNAME is there (RFC 6840 4.3)", ask: "NODATA", qname: "c.example.", qtype: dns.TypeA,
			denial: list("c.example. 60 IN NSEC d.example. CNAME RRSIG NSEC"), status: Bogus, ede: 6, whyPieces: []string{"CNAME"}},
		{name: "at a delegation (RFC 6840 4.1)", ask: "NODATA", qname: "b.example.", qtype: dns.TypeA, denial: list(nsecB), status: Bogus, ede: 6},
		{name: "DS at a delegation", ask: "NODATA", qname: "b.example.", qtype: dns.TypeDS, denial: list(nsecB), status: Secure},
		{name: "DS elsewhere", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeDS, denial: list(nsecNS1), status: Secure},
		{name: "NSEC of another name", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeMX, denial: list(nsecNS2), status: Bogus, ede: 12},
		{name: "the name does not exist, and nothing about a wildcard", ask: "NODATA", qname: "ml.example.", qtype: dns.TypeA, denial: list(nsecB), status: Bogus, ede: 12},
		{name: "the wildcard has the type", ask: "NODATA", qname: "a.z.w.example.", qtype: dns.TypeMX, denial: list(nsecXYW, nsecStarW), status: Bogus, ede: 6},
		{name: "the wildcard of another encloser", ask: "NODATA", qname: "a.y.w.example.", qtype: dns.TypeAAAA, denial: list(nsecXW, nsecStarW), status: Bogus, ede: 12},
		{name: "wildcard empty non-terminal", ask: "NODATA", qname: "c.d.example.", qtype: dns.TypeA,
			denial: list("d.example. 60 IN NSEC x.*.d.example. A RRSIG NSEC", "x.*.d.example. 60 IN NSEC ns1.example. A RRSIG NSEC"), status: Secure},
		{name: "ANY where there are records", ask: "NODATA", qname: "ns1.example.", qtype: dns.TypeANY, denial: list(nsecNS1), status: Bogus, ede: 6},

		// DS.
		{name: "DS is there", ask: "DS", qname: "a.example.", denial: list(nsecA), status: Bogus, ede: 6},
		{name: "no zone cut", ask: "DS", qname: "ns1.example.", denial: list(nsecNS1), status: Secure},
		{name: "no zone cut at an empty non-terminal", ask: "DS", qname: "y.w.example.", denial: list(nsecXW), status: Secure},
		{name: "no zone cut where there is no name", ask: "DS", qname: "ml.example.", denial: list(nsecB), status: Secure},
		{name: "the child's NSEC", ask: "DS", qname: "b.example.", denial: list("b.example. 60 IN NSEC x.b.example. NS SOA RRSIG NSEC"), status: Bogus, ede: 6},
		{name: "NSEC missing", ask: "DS", qname: "b.example.", denial: list(nsecA), status: Bogus, ede: 12},
		{name: "below a delegation", ask: "DS", qname: "x.b.example.", denial: list(nsecB), status: Bogus, ede: 12},
		{name: "of the zone itself", ask: "DS", qname: "example.", denial: list(nsecApex), status: Bogus, ede: 6},

		// Wildcards.
		{name: "wildcard without its denial", ask: "wildcard", qname: "a.z.w.example.", wildcard: "*.w.example.", status: Bogus, ede: 12},
		{name: "wildcard with another's denial", ask: "wildcard", qname: "a.z.w.example.", wildcard: "*.w.example.", denial: list(nsecB), status: Bogus, ede: 12},
		{name: "a closer name exists", ask: "wildcard", qname: "a.x.w.example.", wildcard: "*.w.example.", denial: list(nsecXW), status: Bogus, ede: 6},
		{name: "the name itself exists", ask: "wildcard", qname: "x.w.example.", wildcard: "*.w.example.", denial: list(nsecXW), status: Bogus, ede: 6},
		{name: "a wildcard too high", ask: "wildcard", qname: "a.z.w.example.", wildcard: "*.example.", denial: list(nsecXYW), status: Bogus, ede: 6},
		{name: "a wildcard elsewhere", ask: "wildcard", qname: "a.z.w.example.", wildcard: "*.v.example.", denial: list(nsecXYW), status: Bogus, ede: 6},
		{name: "no wildcard", ask: "wildcard", qname: "a.z.w.example.", wildcard: "w.example.", denial: list(nsecXYW), status: Bogus, ede: 6},
	})
}

// The NSEC of a wildcard, given the name of something else, must not deny that (RFC 4035 section 5.3.4).
func TestSynthesisedNSECProvesNothing(t *testing.T) {
	t.Parallel()
	k := newKey(t, "example.", 256, dns.ED25519, 1)
	set := k.set(t, nsecStarW)
	set.RRs[0].Header().Name, set.Sigs[0].Hdr.Name = "victim.w.example.", "victim.w.example."
	v := NoData("victim.w.example.", dns.TypeA, "example.", []RRset{set}, dnskeys(k), now, Policy{})
	check(t, v, Bogus, 6, "synthesised")
}

// Records of other zones in the authority section neither help nor harm, and the SOA is checked with the rest.
func TestWhatCountsAsDenial(t *testing.T) {
	t.Parallel()
	k, other := newKey(t, "example.", 256, dns.ED25519, 1), newKey(t, "org.", 256, dns.ED25519, 2)
	denial := append(k.sets(t, soaRecord, nsecNS1), other.sets(t, "org. 60 IN SOA . . 1 2 3 4 5", "org. 60 IN NSEC a.org. SOA")...)
	denial = append(denial, RRset{RRs: records(t, "example. 60 IN NS ns1.example.")}, RRset{})
	ask := func() Verdict { return NoData("NS1.example", dns.TypeMX, "EXAMPLE", denial, dnskeys(k), now, Policy{}) }
	check(t, ask(), Secure, 0)
	denial[0].Sigs[0].OrigTtl++
	check(t, ask(), Bogus, 6, "SOA")
}
