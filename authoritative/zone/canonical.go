package zone

import (
	"fmt"

	"github.com/miekg/dns"
)

// AppendCanonical appends rr in the canonical form of RFC 4034 section 6.2 (as corrected by RFC 6840 section 5.1), with
// ttl in place of its own: the bytes that a signature is made over and that RRsets are sorted by. It returns also the
// offset at which RDATA begins. A record whose RDATA cannot be packed is an error.
func AppendCanonical(dst []byte, rr dns.RR, ttl uint32) (wire []byte, rdata int, err error) {
	rr = &detached{lowerNames(rr), *rr.Header()}
	start := len(dst)
	need := dns.Len(rr) + 1
	for cap(dst)-start < need {
		dst = append(dst[:cap(dst)], make([]byte, need)...)
	}
	end, err := dns.PackRR(rr, dst[:cap(dst)], start, nil, false)
	if err != nil {
		h := rr.Header()
		return dst[:start], start, fmt.Errorf("%s %s: the record's data cannot be put on the wire: %w",
			h.Name, dns.TypeToString[h.Rrtype], err)
	}
	dst = dst[:end]
	at := start
	for dst[at] != 0 {
		for i := at + 1; i <= at+int(dst[at]); i++ {
			if 'A' <= dst[i] && dst[i] <= 'Z' {
				dst[i] += 'a' - 'A'
			}
		}
		at += 1 + int(dst[at])
	}
	at++ // the owner's end; type, class, TTL, RDLENGTH follow
	dst[at+4], dst[at+5], dst[at+6], dst[at+7] = byte(ttl>>24), byte(ttl>>16), byte(ttl>>8), byte(ttl)
	return dst, at + 10, nil
}

// detached is a record with a header of its own. dns.PackRR notes RDLENGTH in the header of what it packs, and that
// of a shared record must not be written to.
type detached struct {
	dns.RR
	header dns.RR_Header
}

func (d *detached) Header() *dns.RR_Header { return &d.header }

// lowerNames gives a record whose RDATA names are in lower case, for the types of RFC 4034 section 6.2 item 3. HINFO
// has no names, and NSEC is taken off that list by RFC 6840 section 5.1. The record itself is never changed.
func lowerNames(rr dns.RR) dns.RR {
	names := rdataNames(rr)
	mixed := false
	for _, name := range names {
		mixed = mixed || (name != nil && dns.CanonicalName(*name) != *name)
	}
	if !mixed {
		return rr
	}
	rr = dns.Copy(rr)
	for _, name := range rdataNames(rr) {
		if name != nil {
			*name = dns.CanonicalName(*name)
		}
	}
	return rr
}

// rdataNames points at the names in RDATA that canonical form lowers; the rest are nil.
func rdataNames(rr dns.RR) (names [2]*string) {
	switch x := rr.(type) {
	case *dns.NS:
		names[0] = &x.Ns
	case *dns.MD:
		names[0] = &x.Md
	case *dns.MF:
		names[0] = &x.Mf
	case *dns.CNAME:
		names[0] = &x.Target
	case *dns.SOA:
		names[0], names[1] = &x.Ns, &x.Mbox
	case *dns.MB:
		names[0] = &x.Mb
	case *dns.MG:
		names[0] = &x.Mg
	case *dns.MR:
		names[0] = &x.Mr
	case *dns.PTR:
		names[0] = &x.Ptr
	case *dns.MINFO:
		names[0], names[1] = &x.Rmail, &x.Email
	case *dns.MX:
		names[0] = &x.Mx
	case *dns.RP:
		names[0], names[1] = &x.Mbox, &x.Txt
	case *dns.AFSDB:
		names[0] = &x.Hostname
	case *dns.RT:
		names[0] = &x.Host
	case *dns.PX:
		names[0], names[1] = &x.Map822, &x.Mapx400
	case *dns.NAPTR:
		names[0] = &x.Replacement
	case *dns.KX:
		names[0] = &x.Exchanger
	case *dns.SRV:
		names[0] = &x.Target
	case *dns.DNAME:
		names[0] = &x.Target
	case *dns.RRSIG:
		names[0] = &x.SignerName
	}
	return names
}
