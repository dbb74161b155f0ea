package cache

import (
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// The parts of an entry that are handed out together, and so aged together.
const (
	sectionRRs = iota
	sectionSigs
	sectionSOA
	sectionAuthority
)

// agedRRs are copies of records with their TTL counted down. Nobody writes to them once they are stored, so that all
// who ask within one second share them.
type agedRRs struct {
	ttl uint32
	rrs []dns.RR
}

// AppendRRs appends the RRset to dst with the TTL that is left. The records are shared: never write to them.
func (e *Entry) AppendRRs(dst []dns.RR, now time.Time) []dns.RR {
	return e.AppendRRsWith(dst, e.TTL(now))
}

// AppendRRsWith appends the RRset to dst with a TTL of the caller's: that of stale data (RFC 8767 section 4), say.
func (e *Entry) AppendRRsWith(dst []dns.RR, ttl uint32) []dns.RR {
	return append(dst, e.age(sectionRRs, ttl)...)
}

// AppendSigs appends the RRset's signatures likewise.
func (e *Entry) AppendSigs(dst []dns.RR, now time.Time) []dns.RR {
	return e.AppendSigsWith(dst, e.TTL(now))
}

// AppendSigsWith appends them with a TTL of the caller's.
func (e *Entry) AppendSigsWith(dst []dns.RR, ttl uint32) []dns.RR {
	if len(e.Set.Sigs) == 0 {
		return dst
	}
	return append(dst, e.age(sectionSigs, ttl)...)
}

// AppendAuthority appends what belongs into the authority section: the SOA of a negative answer, and, when dnssec is
// set, its signatures and the Proof with its signatures. All have the TTL that is left of the entry (RFC 2308 section 5).
func (e *Entry) AppendAuthority(dst []dns.RR, now time.Time, dnssec bool) []dns.RR {
	return e.AppendAuthorityWith(dst, e.TTL(now), dnssec)
}

// AppendAuthorityWith appends it with a TTL of the caller's.
func (e *Entry) AppendAuthorityWith(dst []dns.RR, ttl uint32, dnssec bool) []dns.RR {
	switch {
	case len(e.SOA.RRs) == 0 && (len(e.Proof) == 0 || !dnssec):
		return dst
	case dnssec:
		return append(dst, e.age(sectionAuthority, ttl)...)
	default:
		return append(dst, e.age(sectionSOA, ttl)...)
	}
}

// age returns a section with the TTL, from the copies that were made for it last when there are such.
func (e *Entry) age(section int, ttl uint32) []dns.RR {
	if have := e.aged[section].Load(); have != nil && have.ttl == ttl {
		return have.rrs
	}
	made := &agedRRs{ttl: ttl, rrs: e.collect(section)}
	for i, rr := range made.rrs {
		made.rrs[i] = withTTL(rr, ttl)
	}
	e.aged[section].Store(made)
	return made.rrs
}

// collect makes a new slice of a section's own records.
func (e *Entry) collect(section int) (rrs []dns.RR) {
	switch section {
	case sectionRRs:
		return append(rrs, e.Set.RRs...)
	case sectionSigs:
		return appendSigs(make([]dns.RR, 0, len(e.Set.Sigs)), e.Set)
	case sectionSOA:
		return append(rrs, e.SOA.RRs...)
	default:
		rrs = appendSigs(append(rrs, e.SOA.RRs...), e.SOA)
		for _, set := range e.Proof {
			rrs = appendSigs(append(rrs, set.RRs...), set)
		}
		return rrs
	}
}

func appendSigs(dst []dns.RR, set validate.RRset) []dns.RR {
	for _, sig := range set.Sigs {
		dst = append(dst, sig)
	}
	return dst
}

// withTTL is rr itself when it has this TTL, or else a copy that has. The usual types are copied without what they point
// to, since nobody writes to that either.
func withTTL(rr dns.RR, ttl uint32) dns.RR {
	if rr.Header().Ttl == ttl {
		return rr
	}
	var made dns.RR
	switch rr := rr.(type) {
	case *dns.A:
		made = flat(rr)
	case *dns.AAAA:
		made = flat(rr)
	case *dns.CNAME:
		made = flat(rr)
	case *dns.NS:
		made = flat(rr)
	case *dns.SOA:
		made = flat(rr)
	case *dns.MX:
		made = flat(rr)
	case *dns.TXT:
		made = flat(rr)
	case *dns.SRV:
		made = flat(rr)
	case *dns.PTR:
		made = flat(rr)
	case *dns.RRSIG:
		made = flat(rr)
	case *dns.NSEC:
		made = flat(rr)
	case *dns.NSEC3:
		made = flat(rr)
	default:
		made = dns.Copy(rr)
	}
	made.Header().Ttl = ttl
	return made
}

func flat[T any](rr *T) *T {
	made := *rr
	return &made
}
