package zone

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"iter"
	"slices"

	"github.com/miekg/dns"
)

// The assigned values of RFC 8976 sections 2.2.2 and 2.2.3.
const (
	DigestSchemeSimple = 1
	DigestSHA384       = 1
	DigestSHA512       = 2
)

// DigestStatus is what a zone's ZONEMD records say of the rest of it (RFC 8976 section 4).
type DigestStatus uint8

const (
	DigestAbsent      DigestStatus = iota // there is no ZONEMD at the apex
	DigestOK                              // one of them is the digest of the zone
	DigestMismatch                        // none is, and at least one should be
	DigestUnsupported                     // all have schemes or algorithms that are not known
)

func (s DigestStatus) String() string {
	return [...]string{"no ZONEMD", "ok", "mismatch", "unsupported"}[s]
}

// DigestCheck is the outcome of checking a zone's digest.
type DigestCheck struct {
	Status DigestStatus
	// Reasons says in one line for each ZONEMD record why it is or is not the zone's, in the order of the records.
	Reasons []string
}

// Digest works the digest of a zone's records out by the simple scheme (RFC 8976 section 3.3.1): all of them in canonical
// form and order, each once, but for those outside of the zone, the apex's ZONEMD and the signatures over it. algorithm is
// [DigestSHA384] or [DigestSHA512]. Whether what it is given is a zone does not matter.
func Digest(origin string, rrs iter.Seq[dns.RR], algorithm uint8) ([]byte, error) {
	h := newDigest(algorithm)
	if h == nil {
		return nil, fmt.Errorf("the digest of %s: hash algorithm %d is not known: take %d (SHA-384) or %d (SHA-512)", origin,
			algorithm, DigestSHA384, DigestSHA512)
	}
	apex, ok := wireOf(origin)
	if !ok {
		return nil, fmt.Errorf("the digest of %q: it is not a domain name", origin)
	}
	names := map[string][]dns.RR{}
	var order []string
	for rr := range rrs {
		wire, ok := wireOf(rr.Header().Name)
		if !ok || !isWithin(wire, apex) || rr.Header().Class != dns.ClassINET || wire == apex && isOwnDigest(rr) {
			continue
		}
		key := orderOf(wire)
		if names[key] == nil {
			order = append(order, key)
		}
		names[key] = append(names[key], rr)
	}
	slices.Sort(order)
	d := digester{hash: h}
	for _, key := range order {
		if err := d.add(names[key]); err != nil {
			return nil, fmt.Errorf("the digest of %s: %w", origin, err)
		}
	}
	return h.Sum(nil), nil
}

func newDigest(algorithm uint8) hash.Hash {
	switch algorithm {
	case DigestSHA384:
		return sha512.New384()
	case DigestSHA512:
		return sha512.New()
	}
	return nil
}

// isOwnDigest tells a ZONEMD, and a signature over one, which at the apex cannot be part of what they are about.
func isOwnDigest(rr dns.RR) bool {
	sig, ok := rr.(*dns.RRSIG)
	return rr.Header().Rrtype == dns.TypeZONEMD || ok && sig.TypeCovered == dns.TypeZONEMD
}

// digester hashes one name after the other.
type digester struct {
	hash  hash.Hash
	store []byte
	ends  []record
}

// record is where one record is in digester.store.
type record struct {
	rrtype            uint16
	start, rdata, end int
}

// add hashes all records of one name: types ascending, and RDATA in canonical order (RFC 8976 section 3.3.1, RFC 4034
// section 6.3).
func (d *digester) add(rrs []dns.RR) error {
	d.store, d.ends = d.store[:0], d.ends[:0]
	for _, rr := range rrs {
		start := len(d.store)
		store, rdata, err := AppendCanonical(d.store, rr, rr.Header().Ttl)
		if err != nil {
			return err
		}
		d.store = store
		d.ends = append(d.ends, record{rr.Header().Rrtype, start, rdata, len(store)})
	}
	slices.SortStableFunc(d.ends, func(a, b record) int {
		if a.rrtype != b.rrtype {
			return int(a.rrtype) - int(b.rrtype)
		}
		return bytes.Compare(d.store[a.rdata:a.end], d.store[b.rdata:b.end])
	})
	for i, r := range d.ends {
		if i > 0 {
			before := d.ends[i-1]
			if r.rrtype == before.rrtype && bytes.Equal(d.store[r.rdata:r.end], d.store[before.rdata:before.end]) {
				continue
			}
		}
		d.hash.Write(d.store[r.start:r.end])
	}
	return nil
}

// CheckDigest compares a zone's ZONEMD records with the zone, as a secondary does with what it was sent (RFC 8976 section
// 4). One that stands is enough. Whether the ZONEMD records are signed, and must be there at all, is for the caller.
func CheckDigest(origin string, rrs []dns.RR) DigestCheck {
	apex, ok := wireOf(origin)
	if !ok {
		return DigestCheck{DigestMismatch, []string{fmt.Sprintf("%q is not a domain name", origin)}}
	}
	var soa *dns.SOA
	var stated []*dns.ZONEMD
	for _, rr := range rrs {
		if wire, ok := wireOf(rr.Header().Name); !ok || wire != apex {
			continue
		}
		switch rr := rr.(type) {
		case *dns.SOA:
			soa = rr
		case *dns.ZONEMD:
			if !slices.ContainsFunc(stated, func(old *dns.ZONEMD) bool { return dns.IsDuplicate(old, rr) }) {
				stated = append(stated, rr)
			}
		}
	}
	if len(stated) == 0 {
		return DigestCheck{Status: DigestAbsent}
	}
	if soa == nil {
		return DigestCheck{DigestMismatch, []string{"there is no SOA at the apex"}}
	}
	made := map[uint8][]byte{} // by algorithm
	check := DigestCheck{Status: DigestUnsupported}
	for _, x := range stated {
		status, reason := checkOne(x, stated, soa.Serial, func() ([]byte, error) {
			if made[x.Hash] == nil {
				digest, err := Digest(origin, slices.Values(rrs), x.Hash)
				if err != nil {
					return nil, err
				}
				made[x.Hash] = digest
			}
			return made[x.Hash], nil
		})
		check.Reasons = append(check.Reasons, fmt.Sprintf("ZONEMD %d %d %d: %s", x.Serial, x.Scheme, x.Hash, reason))
		if status == DigestOK || check.Status != DigestOK && status == DigestMismatch {
			check.Status = status
		}
	}
	return check
}

// CheckDigest is the function of that name for the zone's records as they are served, duplicates dropped and TTLs evened.
func (z *Zone) CheckDigest() DigestCheck {
	var rrs []dns.RR
	for rr := range z.records() {
		rrs = append(rrs, rr)
	}
	return CheckDigest(z.origin, rrs)
}

// checkOne judges one ZONEMD; digest makes the zone's own with its algorithm.
func checkOne(x *dns.ZONEMD, all []*dns.ZONEMD, serial uint32, digest func() ([]byte, error)) (DigestStatus, string) {
	switch {
	case x.Serial != serial:
		return DigestMismatch, fmt.Sprintf("it is of serial %d; the zone has %d", x.Serial, serial)
	case x.Scheme != DigestSchemeSimple:
		return DigestUnsupported, fmt.Sprintf("scheme %d is not known", x.Scheme)
	case newDigest(x.Hash) == nil:
		return DigestUnsupported, fmt.Sprintf("hash algorithm %d is not known", x.Hash)
	}
	same := 0
	for _, other := range all {
		if other.Scheme == x.Scheme && other.Hash == x.Hash {
			same++
		}
	}
	if same > 1 {
		return DigestMismatch, fmt.Sprintf("there are %d of this scheme and algorithm, so none of them counts", same)
	}
	stated, err := hex.DecodeString(x.Digest)
	if err != nil {
		return DigestMismatch, "its digest is not hexadecimal"
	}
	own, err := digest()
	if err != nil {
		return DigestMismatch, errors.Unwrap(err).Error()
	}
	if !bytes.Equal(stated, own) {
		return DigestMismatch, fmt.Sprintf("the zone's digest is %x", own)
	}
	return DigestOK, "it is the zone's"
}
