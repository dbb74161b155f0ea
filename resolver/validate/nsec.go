package validate

import "github.com/miekg/dns"

// nsec is one NSEC: the types at owner, and that no name lies between owner and next.
type nsec struct {
	owner, next name
	types       types
}

func readNSEC(owner name, rr *dns.NSEC) (nsec, bool) {
	next, ok := parseName(rr.NextDomain)
	return nsec{owner: owner, next: next, types: rr.TypeBitMap}, ok
}

// covers says whether the record proves that there are no records at n. The last NSEC of a zone leads back to the apex
// (RFC 4034 section 4.1.1). That n may still be an empty non-terminal is for leadsBelow to say.
func (r nsec) covers(n, zone name) bool {
	if compare(r.owner, n) >= 0 || n.below(r.owner) && r.types.hidesBelow() {
		return false
	}
	if compare(r.next, r.owner) <= 0 {
		return r.next.equal(zone)
	}
	return compare(n, r.next) < 0
}

// leadsBelow says that the next name is below n: then n exists, as an empty non-terminal.
func (r nsec) leadsBelow(n name) bool { return r.next.below(n) }

// encloser is the closest encloser of a name that the record covers: the longest ancestor that it shares with either end.
func (r nsec) encloser(n name) name {
	a, b := commonAncestor(n, r.owner), commonAncestor(n, r.next)
	if len(a) > len(b) {
		return a
	}
	return b
}

func (d proof) nsecMatching(n name) (nsec, bool) {
	for _, r := range d.nsec {
		if r.owner.equal(n) {
			return r, true
		}
	}
	return nsec{}, false
}

func (d proof) nsecCovering(n name) (nsec, bool) {
	for _, r := range d.nsec {
		if r.covers(n, d.zone) {
			return r, true
		}
	}
	return nsec{}, false
}

// nsecAbsent proves that n does not exist; the record that says so comes with it.
func (d proof) nsecAbsent(n name) (nsec, Verdict) {
	if _, ok := d.nsecMatching(n); ok {
		return nsec{}, bogus(dns.ExtendedErrorCodeDNSBogus, "an NSEC of zone %s says that %s exists", d.zone, n)
	}
	r, ok := d.nsecCovering(n)
	if !ok {
		return r, bogus(dns.ExtendedErrorCodeNSECMissing, "no NSEC of zone %s that came covers %s", d.zone, n)
	}
	if r.leadsBelow(n) {
		return r, bogus(dns.ExtendedErrorCodeDNSBogus, "the NSEC of %s says that %s exists, with names below it", r.owner, n)
	}
	return r, Verdict{Status: Secure}
}

func (d proof) nsecNameError(q name) Verdict {
	r, v := d.nsecAbsent(q)
	if v.Status != Secure {
		return v
	}
	_, v = d.nsecAbsent(r.encloser(q).wildcard())
	return v
}

func (d proof) nsecNoData(q name, qtype uint16) Verdict {
	if v, ok := d.nsecNoDataAt(q, qtype); ok {
		return v
	}
	r, v := d.nsecAbsent(q)
	if v.Status != Secure {
		return v
	}
	star := r.encloser(q).wildcard()
	if v, ok := d.nsecNoDataAt(star, qtype); ok {
		return v
	}
	return bogus(dns.ExtendedErrorCodeNSECMissing, "%s does not exist, and no NSEC of zone %s that came tells about %s", q, d.zone, star)
}

// nsecNoDataAt is the verdict of the records about n itself, when there are such: of its own NSEC, or of one that shows
// it to be an empty non-terminal.
func (d proof) nsecNoDataAt(n name, qtype uint16) (Verdict, bool) {
	if r, ok := d.nsecMatching(n); ok {
		if why := r.types.deny(n, qtype); why != "" {
			return bogus(dns.ExtendedErrorCodeDNSBogus, "the NSEC of %s does not deny its %s: %s", n, dns.Type(qtype), why), true
		}
		return Verdict{Status: Secure}, true
	}
	if r, ok := d.nsecCovering(n); ok && r.leadsBelow(n) {
		return Verdict{Status: Secure}, true
	}
	return Verdict{}, false
}

func (d proof) nsecNoDS(q name) Verdict {
	if r, ok := d.nsecMatching(q); ok {
		return cutVerdict("NSEC", q, r.types)
	}
	if _, ok := d.nsecCovering(q); ok {
		return Verdict{Status: Secure}
	}
	return bogus(dns.ExtendedErrorCodeNSECMissing, "no NSEC of zone %s that came tells whether %s has a DS", d.zone, q)
}

// cutVerdict is what the types at a name say about a zone cut there: Insecure at a delegation without DS, Secure where
// there is none (RFC 4035 section 5.2, RFC 6840 section 4.4).
func cutVerdict(kind string, q name, t types) Verdict {
	switch {
	case t.has(dns.TypeDS):
		return bogus(dns.ExtendedErrorCodeDNSBogus, "the %s of %s says that there is a DS, and none came", kind, q)
	case t.has(dns.TypeSOA):
		return bogus(dns.ExtendedErrorCodeDNSBogus, "the %s of %s is the child zone's own, and a DS belongs to the parent", kind, q)
	case t.has(dns.TypeNS):
		return insecure(0, "%s is delegated without a DS", q)
	}
	return Verdict{Status: Secure}
}

func (d proof) nsecNoCloserMatch(q, encloser name) Verdict {
	r, v := d.nsecAbsent(q)
	if v.Status != Secure {
		return v
	}
	if found := r.encloser(q); !found.equal(encloser) {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "the closest encloser of %s is %s by the NSEC of %s, so that %s cannot stand for it", q,
			found, r.owner, encloser.wildcard())
	}
	return v
}
