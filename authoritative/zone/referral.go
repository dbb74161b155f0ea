package zone

import "github.com/miekg/dns"

// referral is what is said about everything at and below a delegation point; it is the same each time.
type referral struct {
	authority, authoritySigned []dns.RR
	glue, glueSigned           []dns.RR
}

func (r *referral) result(dnssec bool) Result {
	if dnssec {
		return Result{Outcome: Delegation, Authority: r.authoritySigned, Additional: r.glueSigned}
	}
	return Result{Outcome: Delegation, Authority: r.authority, Additional: r.glue}
}

// refer prepares the referral at a delegation point: the NS, which only the child signs, and with DNSSEC the DS or the
// proof that there is none (RFC 4035 section 3.1.4, RFC 5155 section 7.2.7).
func (z *Zone) refer(cut *node) *referral {
	ns := cut.find(dns.TypeNS)
	r := &referral{authority: ns.RRs}
	if ds := cut.find(dns.TypeDS); ds != nil {
		r.authoritySigned = clipped(ns.RRs, ds.signed())
	} else {
		var p proof
		z.proveNoDS(&p, cut, []byte(cut.wire))
		r.authoritySigned = clipped(ns.RRs, p.records(nil))
	}
	r.glue, r.glueSigned = z.addressesOf(ns, cut)
	return r
}

func clipped(a, b []dns.RR) []dns.RR {
	if len(b) == 0 {
		return a
	}
	out := make([]dns.RR, 0, len(a)+len(b))
	return append(append(out, a...), b...)
}

// addressesOf gathers the A and AAAA that the zone has for the hosts that s names. In a referral those that live below
// the cut come first, because without them the child cannot be reached; then the zone's own and those below other
// delegations, siblings (RFC 9471 section 2).
func (z *Zone) addressesOf(s *set, cut *node) (plain, signed []dns.RR) {
	var hosts []*node
	for _, rr := range s.RRs {
		var buf [maxWire + 1]byte
		wire, ok := appendWire(buf[:0], hostOf(rr))
		if !ok {
			continue
		}
		// Glue is for NS alone; to others an address below a delegation is hearsay.
		if n := z.nodes[string(wire)]; n != nil && (n.cut == nil || s.Type == dns.TypeNS) {
			hosts = append(hosts, n)
		}
	}
	for _, own := range []bool{true, false} {
		for _, n := range hosts {
			if (cut != nil && n.cut == cut) != own {
				continue
			}
			for _, rrtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
				if a := n.find(rrtype); a != nil {
					plain = append(plain, a.RRs...)
					signed = append(signed, a.signed()...)
				}
			}
		}
	}
	return plain[:len(plain):len(plain)], signed[:len(signed):len(signed)]
}

// hostOf is the host that a record sends its reader to, "" when it names none.
func hostOf(rr dns.RR) string {
	switch x := rr.(type) {
	case *dns.NS:
		return x.Ns
	case *dns.MX:
		return x.Mx
	case *dns.SRV:
		return x.Target
	case *dns.SVCB:
		return serviceHost(x)
	case *dns.HTTPS:
		return serviceHost(&x.SVCB)
	}
	return ""
}

// serviceHost knows that "." is the owner itself in service mode, and nobody in alias mode (RFC 9460 section 2.5).
func serviceHost(x *dns.SVCB) string {
	if x.Target != "." {
		return x.Target
	}
	if x.Priority == 0 {
		return ""
	}
	return x.Hdr.Name
}

// parentSide answers DS at a delegation point.
func (z *Zone) parentSide(cut *node, wire []byte, dnssec bool) Result {
	if ds := cut.find(dns.TypeDS); ds != nil {
		return found(ds, dnssec)
	}
	var p proof
	if dnssec {
		z.proveNoDS(&p, cut, wire)
	}
	return z.negativeResult(NODATA, dns.RcodeSuccess, &p, dnssec)
}
