package zone

import (
	"fmt"

	"github.com/miekg/dns"
)

// CheckError is one reason why records are not a zone.
type CheckError struct {
	// File and Line say where the record stands, or the first one of the RRset or name: they are known to [Load]. Line is
	// that on which it begins, 0 when it is not known or nothing stands anywhere.
	File string
	Line int

	Name string
	Type uint16 // 0 when the name as a whole is meant
	Msg  string
}

func (e *CheckError) Error() string {
	msg := e.Msg
	if e.Type == dns.TypeNone {
		msg = fmt.Sprintf("%s: %s", e.Name, msg)
	} else {
		msg = fmt.Sprintf("%s %s: %s", e.Name, dns.Type(e.Type), msg)
	}
	if e.Line > 0 {
		return fmt.Sprintf("%s: %s", position{e.File, e.Line}, msg)
	}
	return msg
}

// check finds what the records, each of which is in order, are not together.
func (b *builder) check() {
	b.checkApex()
	for _, n := range b.zone.order {
		if soa := n.find(dns.TypeSOA); soa != nil && n != b.zone.apex {
			b.fail(soa.at, n.name, dns.TypeSOA, "stands below the apex; another zone needs a file of its own")
		}
		b.checkAlias(n)
		b.checkDNAME(n)
	}
}

func (b *builder) checkApex() {
	apex := b.zone.apex
	soa := apex.find(dns.TypeSOA)
	switch {
	case soa == nil:
		b.fail(apex.at(), apex.name, dns.TypeSOA, "the zone has no SOA record")
	case len(soa.RRs) > 1:
		b.fail(soa.at, apex.name, dns.TypeSOA, "the zone has %d SOA records; there must be one", len(soa.RRs))
	}
	if apex.find(dns.TypeNS) == nil {
		b.fail(apex.at(), apex.name, dns.TypeNS, "the zone has no NS records at its apex")
	}
}

// checkAlias holds to RFC 2181 section 10.1 and RFC 4034 sections 3 and 4.
func (b *builder) checkAlias(n *node) {
	alias := n.find(dns.TypeCNAME)
	if alias == nil {
		return
	}
	if len(alias.RRs) > 1 {
		b.fail(alias.at, n.name, dns.TypeCNAME, "there are %d of them; a name is the alias of one other", len(alias.RRs))
	}
	for _, s := range n.sets {
		if s.Type != dns.TypeCNAME && s.Type != dns.TypeNSEC {
			b.fail(alias.at, n.name, dns.TypeCNAME, "stands beside %s; a name with a CNAME has no other data (RFC 2181 section 10.1)",
				dns.Type(s.Type))
		}
	}
}

func (b *builder) checkDNAME(n *node) {
	if d := n.find(dns.TypeDNAME); d != nil {
		if len(d.RRs) > 1 {
			b.fail(d.at, n.name, dns.TypeDNAME, "there are %d of them; a tree is redirected to one other (RFC 6672 section 2.4)",
				len(d.RRs))
		}
		if n != b.zone.apex && n.find(dns.TypeNS) != nil {
			b.fail(d.at, n.name, dns.TypeDNAME, "stands beside NS at a delegation point (RFC 6672 section 2.3)")
		}
	}
	if len(n.sets) == 0 {
		return
	}
	for up := n.parent; up != nil; up = up.parent {
		if up.find(dns.TypeDNAME) != nil {
			b.fail(n.at(), n.name, dns.TypeNone, "lies below the DNAME of %s, where no names can be (RFC 6672 section 2.4)", up.name)
		}
	}
}
