package validate

import (
	"time"

	"github.com/miekg/dns"
)

// NameError checks the proof that qname does not exist in zone and no wildcard stands for it (RFC 4035 section 5.4, RFC
// 5155 section 8.4).
//
// Of denial, here and in the functions below, every NSEC, NSEC3 and SOA RRset at or below zone has its own signatures
// checked with keys, and one that fails makes the verdict Bogus, so that the caller need not check the SOA again. Other
// RRsets in it are ignored. A proof that lacks an NSEC or NSEC3 has EDE 12; one that says the contrary has EDE 6.
//
// A proof whose next closer name is covered by an NSEC3 with Opt-Out is Insecure, since an unsigned delegation may be
// there (RFC 5155 section 9.2); so is one with too many iterations (EDE 27).
func NameError(qname, zone string, denial []RRset, keys []dns.RR, now time.Time, p Policy) Verdict {
	return prove(qname, zone, denial, keys, now, p, proof.nameError)
}

// NoData checks the proof that qname has no RRset of qtype (and no CNAME): the name itself, an empty non-terminal, or
// a wildcard that would stand for it (RFC 4035 section 5.4, RFC 5155 sections 8.5 to 8.7). See NameError for denial.
// For qtype DS it is the answer to a client's question; use NoDS to go on with the chain of trust.
func NoData(qname string, qtype uint16, zone string, denial []RRset, keys []dns.RR, now time.Time, p Policy) Verdict {
	return prove(qname, zone, denial, keys, now, p, func(p proof, q name) Verdict { return p.noData(q, qtype) })
}

// NoDS checks the proof that name, which is below zone, has no DS there, as zone's servers (the parent side) give it
// (RFC 4035 section 5.2, RFC 5155 sections 8.6 and 8.9). See NameError for denial.
//
//   - Insecure: name is a delegation without DS, or may be one in an Opt-Out span. What is below is not signed by zone.
//   - Secure: there is no zone cut at name (the name does not exist, or has no NS): zone's keys go on below it.
//   - Bogus: not proven.
func NoDS(name, zone string, denial []RRset, keys []dns.RR, now time.Time, p Policy) Verdict {
	return prove(name, zone, denial, keys, now, p, proof.noDS)
}

// NoCloserMatch checks the proof that must come with an answer synthesised from wildcard ("*.closest.encloser.", from
// Verdict.Wildcard): that no name closer to qname exists (RFC 4035 section 5.3.4, RFC 5155 section 8.8). See NameError
// for denial.
func NoCloserMatch(qname, wildcard, zone string, denial []RRset, keys []dns.RR, now time.Time, p Policy) Verdict {
	return prove(qname, zone, denial, keys, now, p, func(p proof, q name) Verdict {
		star, ok := parseName(wildcard)
		if !ok || !star.isWildcard() {
			return bogus(dns.ExtendedErrorCodeDNSBogus, "%q is not a wildcard", wildcard)
		}
		if !q.below(star.parent()) {
			return bogus(dns.ExtendedErrorCodeDNSBogus, "%s cannot be synthesised from %s", q, star)
		}
		return p.noCloserMatch(q, star.parent())
	})
}

// proof is the denial of one response, its signatures checked, its records read.
type proof struct {
	*checker
	nsec    []nsec
	nsec3   []nsec3
	ignored string // why an NSEC3 was left out, for messages
}

// prove reads the denial and puts the question to it.
func prove(qname, zone string, denial []RRset, keys []dns.RR, now time.Time, p Policy, ask func(proof, name) Verdict) Verdict {
	c, ok := newChecker(zone, keys, now, p)
	if !ok {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "zone %q is not a domain name", zone)
	}
	q, ok := parseName(qname)
	if !ok || !q.within(c.zone) {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "%q is not a name in zone %s, which was to deny it", qname, c.zone)
	}
	d, until, v := c.gather(q, denial)
	if v.Status == Secure {
		v = ask(d, q)
	}
	if v.Status != Bogus {
		v.Until = until
	}
	return v
}

// gather checks the signatures of the denial and reads its records. Its verdict is Secure when they can be asked.
func (c *checker) gather(q name, denial []RRset) (d proof, until time.Time, v Verdict) {
	d.checker = c
	for _, set := range denial {
		if len(set.RRs) == 0 {
			continue
		}
		h := set.RRs[0].Header()
		if h.Rrtype != dns.TypeNSEC && h.Rrtype != dns.TypeNSEC3 && h.Rrtype != dns.TypeSOA {
			continue
		}
		owner, ok := parseName(h.Name)
		if !ok || !owner.within(c.zone) {
			continue
		}
		v := c.signed(set)
		if v.Status != Secure {
			return d, until, v
		}
		if v.Wildcard != "" {
			// A wildcard's own NSEC, given another owner, would deny whatever an attacker likes.
			return d, until, bogus(dns.ExtendedErrorCodeDNSBogus, "%s is synthesised from %s, and proves nothing", fmtSet(set.RRs), v.Wildcard)
		}
		if until.IsZero() || v.Until.Before(until) {
			until = v.Until
		}
		for _, rr := range set.RRs {
			d.read(owner, rr)
		}
	}
	return d, until, d.usable(q)
}

func (d *proof) read(owner name, rr dns.RR) {
	switch rr := rr.(type) {
	case *dns.NSEC:
		if r, ok := readNSEC(owner, rr); ok && r.next.within(d.zone) {
			d.nsec = append(d.nsec, r)
		}
	case *dns.NSEC3:
		r, why := readNSEC3(owner, d.zone, rr)
		if why == "" {
			d.nsec3 = append(d.nsec3, r)
		} else {
			d.ignored = why
		}
	}
}

// usable is Secure when there is something to ask.
func (d *proof) usable(q name) Verdict {
	switch {
	case len(d.nsec) == 0 && len(d.nsec3) == 0 && d.ignored != "":
		return bogus(dns.ExtendedErrorCodeNSECMissing, "zone %s denies %s by NSEC3 that cannot be used: %s", d.zone, q, d.ignored)
	case len(d.nsec) == 0 && len(d.nsec3) == 0:
		return bogus(dns.ExtendedErrorCodeNSECMissing, "zone %s is signed, and neither NSEC nor NSEC3 came to deny %s", d.zone, q)
	}
	for _, r := range d.nsec3 {
		if !r.sameParameters(d.nsec3[0]) { // RFC 5155 section 8.2
			return bogus(dns.ExtendedErrorCodeDNSBogus, "zone %s denies %s by NSEC3 of differing salt or iterations", d.zone, q)
		}
	}
	if len(d.nsec) == 0 && d.nsec3[0].iterations > d.maxIterations {
		return insecure(dns.ExtendedErrorCodeUnsupportedNSEC3IterValue, "zone %s: its NSEC3 have %d iterations, more than %d", d.zone,
			d.nsec3[0].iterations, d.maxIterations)
	}
	return Verdict{Status: Secure}
}

func (d proof) nameError(q name) Verdict {
	if len(d.nsec) > 0 {
		return d.nsecNameError(q)
	}
	return d.nsec3NameError(q)
}

func (d proof) noData(q name, qtype uint16) Verdict {
	if len(d.nsec) > 0 {
		return d.nsecNoData(q, qtype)
	}
	return d.nsec3NoData(q, qtype)
}

func (d proof) noDS(q name) Verdict {
	switch {
	case !q.below(d.zone):
		return bogus(dns.ExtendedErrorCodeDNSBogus, "zone %s cannot say whether there is a DS at its own apex", d.zone)
	case len(d.nsec) > 0:
		return d.nsecNoDS(q)
	default:
		return d.nsec3NoDS(q)
	}
}

func (d proof) noCloserMatch(q, encloser name) Verdict {
	if len(d.nsec) > 0 {
		return d.nsecNoCloserMatch(q, encloser)
	}
	return d.nsec3NoCloserMatch(q, encloser)
}

// types is the bit map of an NSEC or NSEC3: the types at its name.
type types []uint16

func (t types) has(rrtype uint16) bool {
	for _, have := range t {
		if have == rrtype {
			return true
		}
	}
	return false
}

// cut says that the record stands at a delegation, on the parent's side: it tells about the DS alone, and nothing about
// names below (RFC 6840 section 4.1).
func (t types) cut() bool { return t.has(dns.TypeNS) && !t.has(dns.TypeSOA) }

// hidesBelow says that names below are not this zone's to deny: a delegation or a DNAME (RFC 6840 section 4.1, RFC 6672
// section 5.3.4.1).
func (t types) hidesBelow() bool { return t.cut() || t.has(dns.TypeDNAME) }

// deny says why the types at n do not prove that it lacks qtype; empty when they do (RFC 6840 sections 4.1, 4.3).
func (t types) deny(n name, qtype uint16) string {
	switch {
	case t.has(qtype):
		return "it says that there is one"
	case qtype == dns.TypeANY && len(t) > boolCount(t.has(dns.TypeNSEC), t.has(dns.TypeRRSIG)):
		return "it says that there are records"
	case t.has(dns.TypeCNAME):
		return "it says that there is a CNAME"
	case qtype == dns.TypeDS && t.has(dns.TypeSOA) && !n.isRoot(): // the root has no parent
		return "it is the child zone's own, and a DS belongs to the parent"
	case qtype != dns.TypeDS && t.cut():
		return "it is of a delegation, and tells about its DS alone"
	}
	return ""
}

func boolCount(flags ...bool) int {
	n := 0
	for _, f := range flags {
		if f {
			n++
		}
	}
	return n
}
