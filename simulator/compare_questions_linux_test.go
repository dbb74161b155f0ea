package simulator_test

import (
	"strings"

	"github.com/miekg/dns"
)

// slow tells questions that wait for servers that are off.
func slow(q question) bool {
	return dns.IsSubDomain("dark.com.", q.name) || dns.IsSubDomain("closed.com.", q.name)
}

// compareQuestions are those put to all.
func compareQuestions() []question {
	var list []question
	add := func(names, types string, flags ...string) {
		if len(flags) == 0 {
			flags = []string{""}
		}
		for _, name := range strings.Fields(names) {
			for _, t := range strings.Fields(types) {
				for _, f := range flags {
					list = append(list, question{name: dns.Fqdn(name), qtype: dns.StringToType[t],
						cd: strings.Contains(f, "cd"), do: strings.Contains(f, "do")})
				}
			}
		}
	}
	// What is slow begins first, and runs beside.
	add("www.dark.com www.closed.com", "A", "", "cd")

	// What is there, or is not, at each name, with and without signatures.
	add("good.com n3.com plain.com", "SOA NS A AAAA MX TXT CAA DNSKEY DS NSEC SRV", "", "do")
	add("www.good.com www.n3.com www.plain.com", "A AAAA MX DS", "", "do")
	add("com org . arpa", "SOA NS DNSKEY DS", "", "do")
	add("sub.good.com insec.good.com insec.n3.com newalg.good.com newdig.good.com nokeys.good.com ed.org p384.org", "SOA DS DNSKEY NS A", "", "do")
	add("www.sub.good.com www.insec.good.com www.insec.n3.com www.newalg.good.com www.newdig.good.com www.nokeys.good.com www.ed.org www.p384.org",
		"A AAAA", "", "do", "cd")
	// Names that do not exist.
	add("nosuch.good.com nosuch.n3.com nosuch.plain.com nosuch.sub.good.com nosuch.insec.good.com nosuch.insec.n3.com nosuch.nokeys.good.com nosuch.ed.org nosuch.p384.org nosuch nosuch.com nosuch.org a.b.nosuch.good.com x.www.good.com x.www.n3.com",
		"A", "", "do")
	// Empty non-terminals, and names around them.
	add("b.c.good.com c.good.com b.c.n3.com c.n3.com b.c.plain.com _tcp.good.com x.b.c.good.com x.b.c.n3.com a.b.c.good.com a.b.c.n3.com", "A TXT", "", "do")
	// Wildcards.
	add("any.wild.good.com any.wild.n3.com any.wild.plain.com very.deep.wild.good.com wild.good.com *.wild.good.com *.wild.n3.com", "A TXT MX", "", "do")
	add("x.cw.good.com", "A AAAA MX CNAME", "", "do")
	// Aliases.
	add("alias.good.com alias2.good.com abroad.good.com toplain.good.com dangling.good.com alias.n3.com alias.plain.com togood.plain.com", "A AAAA CNAME", "", "do")
	add("loop1.good.com self.good.com", "A", "", "do")
	add("toexp.good.com", "A", "", "do", "cd")
	add("www.old.good.com nosuch.old.good.com old.good.com www.old.plain.com", "A DNAME TXT CNAME", "", "do")
	// Services, capitals, and what takes TCP.
	add("_sip._tcp.good.com", "SRV", "", "do")
	add("uPPer.GOOD.com UPPER.good.com", "A")
	add("big.good.com", "TXT", "", "do")
	// Reverse.
	add("3.0.77.198.in-addr.arpa 4.0.77.198.in-addr.arpa 9.0.77.198.in-addr.arpa 77.198.in-addr.arpa 0.77.198.in-addr.arpa", "PTR SOA", "", "do")
	// Lame, half and whole.
	add("www.lame.com nosuch.lame.com", "A", "", "do", "cd")
	add("www.lost.com", "A", "", "cd")
	// What is broken.
	for _, zone := range strings.Fields("expired.com rolled.com nods.com span.com span3.com unsigned.com missing.com") {
		add("www."+zone, "A AAAA", "", "do", "cd")
		add("nosuch."+zone, "A", "", "do", "cd")
		add(zone, "SOA DNSKEY DS MX", "", "cd")
	}
	for _, zone := range strings.Fields("span.com span3.com unsigned.com missing.com") {
		add("any.wild."+zone, "A", "", "do", "cd")
	}
	return list
}
