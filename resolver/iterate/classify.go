package iterate

import "github.com/miekg/dns"

// classify says what a scrubbed reply of a server of zone means; with recursive, one of a forwarder. Truncated, Malformed
// and Misspelt are told before.
func (s *scrubbed) classify(q Question, zone string, recursive bool) Kind {
	switch s.rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
	case dns.RcodeServerFailure:
		return ServerFailure
	case dns.RcodeRefused, dns.RcodeNotAuth:
		return Refused
	case dns.RcodeFormatError:
		return FormatError
	case dns.RcodeNotImplemented:
		return NotImplemented
	case dns.RcodeBadVers:
		return BadVersion
	case dns.RcodeBadCookie:
		return BadCookie
	default:
		return Unexpected
	}
	// A resolver's word, not an authority's.
	hearsay := s.ra && !s.aa && !recursive
	if len(s.chain) > 0 {
		s.doubtful = hearsay
		// A chain's rcode is about its end (RFC 6604 section 2), which is asked for by itself.
		first := s.chain[0].RRs[0].Header()
		if s.rcode == dns.RcodeYXDomain && first.Rrtype != dns.TypeDNAME {
			return Unexpected // it is for names that a DNAME makes too long (RFC 6672 section 2.2)
		}
		if q.Type == dns.TypeANY && dns.CanonicalName(first.Name) == q.Name {
			return Answer
		}
		return chainKind(first.Rrtype, q.Type)
	}
	if s.rcode == dns.RcodeYXDomain || s.stray && s.rcode == dns.RcodeSuccess {
		return Unexpected // YXDOMAIN without a DNAME says nothing
	}
	if recursive {
		return s.classifyForwarded()
	}
	kind := s.classifyEmpty(q, zone)
	if kind == NXDOMAIN || kind == NODATA {
		s.doubtful = hearsay || len(s.soa.RRs) == 0 && !s.signedDenial()
	}
	return kind
}

// classifyForwarded tells the kinds without an answer apart where a forwarder looked for it.
func (s *scrubbed) classifyForwarded() Kind {
	switch hasSOA := len(s.soa.RRs) > 0; {
	case s.rcode == dns.RcodeNameError:
		return NXDOMAIN
	case len(s.ns.RRs) > 0 && !hasSOA && !s.aa && !s.ra:
		return Lame // it refers on instead of looking
	}
	return NODATA
}

func chainKind(first, qtype uint16) Kind {
	switch {
	case first == qtype:
		return Answer
	case first == dns.TypeCNAME:
		return CNAME
	default:
		return DNAME
	}
}

// classifyEmpty tells the kinds without an answer apart (RFC 2308 section 2).
func (s *scrubbed) classifyEmpty(q Question, zone string) Kind {
	hasSOA := len(s.soa.RRs) > 0
	if hasSOA && q.Type == dns.TypeDS && q.Name != "." && s.soaOwner() == q.Name {
		return Lame // the child's side answered, and knows nothing of the DS
	}
	if s.rcode == dns.RcodeNameError {
		return NXDOMAIN
	}
	if len(s.ns.RRs) > 0 && !hasSOA {
		cut := s.cut()
		switch below := cut != zone && dns.IsSubDomain(zone, cut); {
		case below && (q.Type != dns.TypeDS || cut != q.Name):
			return Referral
		case below && len(s.ds.RRs) > 0:
			// RFC 4035 section 3.1.4.1: a server of the parent that is asked for the DS answers; this one refers on, but
			// has it in its referral.
			s.chain = append(s.chain, s.ds)
			return Answer
		case below && s.signedDenial():
			return NODATA // or what denies it
		case !s.aa:
			return Lame // to itself
		}
	}
	switch {
	case s.upward && !hasSOA:
		return Lame
	case s.aa, hasSOA, s.signedDenial():
		return NODATA
	}
	return Lame
}

// soaOwner is the zone that the SOA is of, cut the name that the NS RRset is of.
func (s *scrubbed) soaOwner() string { return dns.CanonicalName(s.soa.RRs[0].Header().Name) }
func (s *scrubbed) cut() string      { return dns.CanonicalName(s.ns.RRs[0].Header().Name) }
