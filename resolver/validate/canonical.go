package validate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

const messageHeader = 12 // octets, RFC 1035 section 4.1.1

var errRdata = errors.New("an RDATA does not end where its type says")

// canonicalSet is an RRset made ready for the signed data of RFC 4034 section 3.1.8.1: its RDATA in canonical form and
// order (sections 6.2 and 6.3), duplicates dropped. It serves all signatures over the RRset.
type canonicalSet struct {
	owner  name
	rrtype uint16
	class  uint16
	rdatas [][]byte
}

// canonicalise checks that the records are one RRset and makes them ready.
func canonicalise(rrs []dns.RR) (*canonicalSet, error) {
	if len(rrs) == 0 {
		return nil, errors.New("the RRset is empty")
	}
	head := rrs[0].Header()
	owner, ok := parseName(head.Name)
	if !ok {
		return nil, fmt.Errorf("%q is not a domain name", head.Name)
	}
	set := &canonicalSet{owner: owner, rrtype: head.Rrtype, class: head.Class, rdatas: make([][]byte, 0, len(rrs))}
	for _, rr := range rrs {
		h := rr.Header()
		if h.Rrtype != set.rrtype || h.Class != set.class || !sameName(h.Name, head.Name, owner) {
			return nil, fmt.Errorf("the records of %s %s are not one RRset", head.Name, dns.Type(head.Rrtype))
		}
	}
	// A whole message is packed, because dns.PackRR writes to the record, which others may be reading.
	wire, err := (&dns.Msg{Answer: rrs}).Pack()
	if err != nil {
		return nil, fmt.Errorf("packing the records of %s %s: %w", head.Name, dns.Type(head.Rrtype), err)
	}
	for rest := wire[messageHeader:]; len(rest) > 0; {
		rdata := rest[len(owner)+10:] // after owner, type, class, TTL and length
		end := int(binary.BigEndian.Uint16(rest[len(owner)+8:]))
		rdata, rest = rdata[:end:end], rdata[end:]
		if err := lowerNames(set.rrtype, rdata); err != nil {
			return nil, fmt.Errorf("%s %s: %w", head.Name, dns.Type(head.Rrtype), err)
		}
		set.rdatas = append(set.rdatas, rdata)
	}
	slices.SortFunc(set.rdatas, bytes.Compare)
	set.rdatas = slices.CompactFunc(set.rdatas, bytes.Equal)
	return set, nil
}

// sameName compares an owner with the RRset's first, which is parsed already; most are the same string.
func sameName(s, first string, parsed name) bool {
	if s == first {
		return true
	}
	n, ok := parseName(s)
	return ok && n.equal(parsed)
}

// signedData is what sig was made over, for this RRset: the RRSIG's RDATA up to the signature, then the records with the
// original TTL. The owner of a synthesised RRset is its wildcard again (RFC 4035 section 5.3.2).
func (set *canonicalSet) signedData(sig *dns.RRSIG, signer name) []byte {
	owner := set.owner
	if int(sig.Labels) < owner.labels() {
		owner = owner.lastLabels(int(sig.Labels)).wildcard()
	}
	size := 18 + len(signer)
	for _, rdata := range set.rdatas {
		size += len(owner) + 10 + len(rdata)
	}
	be := binary.BigEndian
	data := make([]byte, 0, size)
	data = be.AppendUint16(data, sig.TypeCovered)
	data = append(data, sig.Algorithm, sig.Labels)
	data = be.AppendUint32(data, sig.OrigTtl)
	data = be.AppendUint32(data, sig.Expiration)
	data = be.AppendUint32(data, sig.Inception)
	data = be.AppendUint16(data, sig.KeyTag)
	data = append(data, signer...)
	for _, rdata := range set.rdatas {
		data = append(data, owner...)
		data = be.AppendUint16(data, set.rrtype)
		data = be.AppendUint16(data, set.class)
		data = be.AppendUint32(data, sig.OrigTtl)
		data = be.AppendUint16(data, uint16(len(rdata)))
		data = append(data, rdata...)
	}
	return data
}

// lowerNames lowers the domain names in an RDATA of the types that RFC 4034 section 6.2 lists, as corrected by RFC 6840
// section 5.1: not those of NSEC, and HINFO has none.
func lowerNames(rrtype uint16, rdata []byte) error {
	skip, names := 0, 1
	switch rrtype {
	case dns.TypeNS, dns.TypeMD, dns.TypeMF, dns.TypeCNAME, dns.TypeMB, dns.TypeMG, dns.TypeMR, dns.TypePTR, dns.TypeDNAME:
	case dns.TypeSOA, dns.TypeMINFO, dns.TypeRP:
		names = 2
	case dns.TypeMX, dns.TypeAFSDB, dns.TypeRT, dns.TypeKX:
		skip = 2
	case dns.TypePX:
		skip, names = 2, 2
	case dns.TypeSRV:
		skip = 6
	case dns.TypeSIG, dns.TypeRRSIG:
		skip = 18
	case dns.TypeNAPTR:
		skip = naptrStrings(rdata)
	default:
		return nil
	}
	for ; names > 0; names-- {
		end, ok := nameEnd(rdata, skip)
		if !ok {
			return errRdata
		}
		lower(rdata[skip:end])
		skip = end
	}
	return nil
}

// naptrStrings is where the replacement of a NAPTR begins: after order, preference and three character strings (RFC 3403
// section 4.1).
func naptrStrings(rdata []byte) int {
	at := 4
	for range 3 {
		if at >= len(rdata) {
			return at
		}
		at += 1 + int(rdata[at])
	}
	return at
}

// nameEnd is where the uncompressed name that begins at at ends.
func nameEnd(rdata []byte, at int) (end int, ok bool) {
	for at < len(rdata) {
		if rdata[at] == 0 {
			return at + 1, true
		}
		at += 1 + int(rdata[at])
	}
	return 0, false
}
