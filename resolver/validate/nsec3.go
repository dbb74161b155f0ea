package validate

import (
	"bytes"
	"crypto/sha1"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"github.com/miekg/dns"
)

// maxHashes is how many SHA-1 computations one call makes for NSEC3: enough for 34 labels (ip6.arpa) with 100 extra
// iterations each, and an answer to CVE-2023-50868.
const maxHashes = 4096

type digest = [sha1.Size]byte

// nsec3 is one NSEC3: the types at the name whose hash is owner, and that no name's hash lies between owner and next.
type nsec3 struct {
	owner, next digest
	types       types
	optOut      bool
	iterations  uint16
	salt        []byte
}

// readNSEC3 reads a record, or says why it must be ignored (RFC 5155 sections 8.1 and 8.2, and 3.3).
func readNSEC3(owner, zone name, rr *dns.NSEC3) (r nsec3, why string) {
	if rr.Hash != dns.SHA1 {
		return r, "unknown hash algorithm"
	}
	if rr.Flags > 1 {
		return r, "unknown flags"
	}
	if !owner.parent().equal(zone) || owner.isRoot() {
		return r, "its owner is not a hash right below the zone's apex"
	}
	if !readDigest(&r.owner, string(owner[1:1+owner[0]])) || !readDigest(&r.next, rr.NextDomain) {
		return r, "its owner or next hash is no SHA-1 hash"
	}
	salt, err := hex.DecodeString(strings.TrimPrefix(rr.Salt, "-"))
	if err != nil {
		return r, "its salt cannot be read"
	}
	r.types, r.optOut, r.iterations, r.salt = rr.TypeBitMap, rr.Flags&1 != 0, rr.Iterations, salt
	return r, ""
}

func readDigest(d *digest, s string) bool {
	if len(s) != base32.HexEncoding.EncodedLen(len(d)) {
		return false
	}
	n, err := base32.HexEncoding.Decode(d[:], []byte(strings.ToUpper(s)))
	return err == nil && n == len(d)
}

func (r nsec3) sameParameters(s nsec3) bool {
	return r.iterations == s.iterations && bytes.Equal(r.salt, s.salt)
}

// covers says whether the hash, which is not the record's own, lies in its span; the last one leads back to the first (RFC 5155 section 3.1.7).
func (r nsec3) covers(h digest) bool {
	after, before := bytes.Compare(r.owner[:], h[:]) < 0, bytes.Compare(h[:], r.next[:]) < 0
	if bytes.Compare(r.owner[:], r.next[:]) < 0 {
		return after && before
	}
	return after || before
}

// hash is the hash of a name (RFC 5155 section 5); false when the call has hashed enough.
func (d proof) hash(n name) (digest, bool) {
	r := d.nsec3[0]
	if d.hashes -= 1 + int(r.iterations); d.hashes < 0 {
		return digest{}, false
	}
	buf := make([]byte, 0, max(len(n), sha1.Size)+len(r.salt))
	sum := sha1.Sum(append(append(buf, n...), r.salt...))
	for range r.iterations {
		sum = sha1.Sum(append(append(buf, sum[:]...), r.salt...))
	}
	return sum, true
}

// about is what the records say of one name: its own, and one that covers its hash; nil for none.
type about struct{ match, cover *nsec3 }

func (d proof) nsec3About(n name) (a about, ok bool) {
	h, ok := d.hash(n)
	if !ok {
		return a, false
	}
	for i := range d.nsec3 {
		if r := &d.nsec3[i]; r.owner == h {
			a.match = r
		} else if r.covers(h) && (a.cover == nil || r.optOut) { // of two, the one that proves less
			a.cover = r
		}
	}
	return a, true
}

// enclosure is a closest encloser proof (RFC 5155 section 8.3).
type enclosure struct {
	encloser, nextCloser name
	cover                *nsec3 // of the next closer name
}

// enclose finds the closest encloser of q, which has no NSEC3 of its own, and what covers the next closer name.
func (d proof) enclose(q name) (enclosure, Verdict) {
	closer, last := q, about{}
	for n := q; n.within(d.zone); n = n.parent() {
		a, ok := d.nsec3About(n)
		if !ok {
			return enclosure{}, d.tooMuch(q)
		}
		if a.match == nil {
			if n.isRoot() {
				break
			}
			closer, last = n, a
			continue
		}
		e := enclosure{encloser: n, nextCloser: closer, cover: last.cover}
		switch {
		case n.equal(q):
			return e, bogus(dns.ExtendedErrorCodeDNSBogus, "an NSEC3 of zone %s says that %s exists", d.zone, q)
		case a.match.types.hidesBelow():
			return e, bogus(dns.ExtendedErrorCodeDNSBogus, "zone %s cannot deny %s: there is a delegation or a DNAME at %s", d.zone, q, n)
		case e.cover == nil:
			return e, bogus(dns.ExtendedErrorCodeNSECMissing, "no NSEC3 of zone %s that came covers %s, to deny %s", d.zone, closer, q)
		}
		return e, Verdict{Status: Secure}
	}
	return enclosure{}, bogus(dns.ExtendedErrorCodeNSECMissing, "no NSEC3 of zone %s that came matches an ancestor of %s", d.zone, q)
}

func (d proof) tooMuch(q name) Verdict {
	return bogus(dns.ExtendedErrorCodeDNSBogus, "the NSEC3 of zone %s that deny %s take too many hashes to check", d.zone, q)
}

// verdict is Secure, or Insecure when the proof rests on a span with Opt-Out (RFC 5155 section 9.2).
func (e enclosure) verdict() Verdict {
	if e.cover.optOut {
		return insecure(0, "%s may be delegated without a DS: it lies in an NSEC3 span with Opt-Out", e.nextCloser)
	}
	return Verdict{Status: Secure}
}

func (d proof) nsec3NameError(q name) Verdict {
	e, v := d.enclose(q)
	if v.Status != Secure {
		return v
	}
	star := e.encloser.wildcard()
	a, ok := d.nsec3About(star)
	switch {
	case !ok:
		return d.tooMuch(q)
	case a.match != nil:
		return bogus(dns.ExtendedErrorCodeDNSBogus, "an NSEC3 of zone %s says that %s exists, which would stand for %s", d.zone, star, q)
	case a.cover == nil:
		return bogus(dns.ExtendedErrorCodeNSECMissing, "no NSEC3 of zone %s that came covers the wildcard %s", d.zone, star)
	}
	return e.verdict()
}

func (d proof) nsec3NoData(q name, qtype uint16) Verdict {
	a, ok := d.nsec3About(q)
	if !ok {
		return d.tooMuch(q)
	}
	if a.match != nil {
		return a.match.noData(q, qtype)
	}
	e, v := d.enclose(q)
	if v.Status != Secure {
		return v
	}
	star := e.encloser.wildcard()
	a, ok = d.nsec3About(star)
	switch {
	case !ok:
		return d.tooMuch(q)
	case a.match != nil:
		if v := a.match.noData(star, qtype); v.Status != Secure {
			return v
		}
		return e.verdict() // RFC 5155 section 8.7
	case e.cover.optOut:
		// A DS that is not there (section 8.6), or an empty non-terminal above unsigned delegations, which has no NSEC3 of
		// its own (erratum 3441).
		return e.verdict()
	}
	return bogus(dns.ExtendedErrorCodeNSECMissing, "no NSEC3 of zone %s that came matches %s or %s, to deny a %s", d.zone, q, star,
		dns.Type(qtype))
}

func (r *nsec3) noData(n name, qtype uint16) Verdict {
	if why := r.types.deny(n, qtype); why != "" {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "the NSEC3 of %s does not deny its %s: %s", n, dns.Type(qtype), why)
	}
	return Verdict{Status: Secure}
}

func (d proof) nsec3NoDS(q name) Verdict {
	a, ok := d.nsec3About(q)
	if !ok {
		return d.tooMuch(q)
	}
	if a.match != nil {
		return cutVerdict("NSEC3", q, a.match.types)
	}
	e, v := d.enclose(q)
	if v.Status != Secure {
		return v
	}
	return e.verdict()
}

func (d proof) nsec3NoCloserMatch(q, encloser name) Verdict {
	nextCloser := q.lastLabels(encloser.labels() + 1)
	a, ok := d.nsec3About(nextCloser)
	switch {
	case !ok:
		return d.tooMuch(q)
	case a.match != nil:
		return bogus(dns.ExtendedErrorCodeDNSBogus, "an NSEC3 of zone %s says that %s exists, so that %s cannot stand for %s", d.zone,
			nextCloser, encloser.wildcard(), q)
	case a.cover == nil:
		return bogus(dns.ExtendedErrorCodeNSECMissing, "no NSEC3 of zone %s that came covers %s, to allow %s for %s", d.zone, nextCloser,
			encloser.wildcard(), q)
	}
	return enclosure{encloser: encloser, nextCloser: nextCloser, cover: a.cover}.verdict()
}
