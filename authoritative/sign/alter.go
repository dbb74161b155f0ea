package sign

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Alteration is one thing that a signer does wrong: a ready-made [Params.Alter]. Types given to one of the makers below
// limit it to the RRsets of those types, or to the signatures over them; no types are all types.
type Alteration func(Product, dns.RR) []dns.RR

// Alterations does one after the other; each is given what the one before it left.
func Alterations(all ...Alteration) Alteration {
	return func(p Product, rr dns.RR) []dns.RR {
		rrs := []dns.RR{rr}
		for _, a := range all {
			var next []dns.RR
			for _, rr := range rrs {
				next = append(next, a(p, rr)...)
			}
			rrs = next
		}
		return rrs
	}
}

// At limits an alteration to the records and signatures of some owner names.
func (a Alteration) At(names ...string) Alteration {
	owners := map[string]bool{}
	for _, name := range names {
		owners[dns.CanonicalName(name)] = true
	}
	return a.only(func(_ Product, rr dns.RR) bool { return owners[dns.CanonicalName(rr.Header().Name)] })
}

// By limits an alteration to the signatures made by some keys.
func (a Alteration) By(keys ...*Key) Alteration {
	return a.only(func(_ Product, rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && slices.ContainsFunc(keys, func(k *Key) bool {
			return k.DNSKEY.KeyTag() == sig.KeyTag && k.DNSKEY.Algorithm == sig.Algorithm
		})
	})
}

func (a Alteration) only(match func(Product, dns.RR) bool) Alteration {
	return func(p Product, rr dns.RR) []dns.RR {
		if match(p, rr) {
			return a(p, rr)
		}
		return []dns.RR{rr}
	}
}

// signatures is an alteration of RRSIGs, before or after they are signed; false leaves one out.
func signatures(when Product, types []uint16, change func(*dns.RRSIG) bool) Alteration {
	return func(p Product, rr dns.RR) []dns.RR {
		sig, ok := rr.(*dns.RRSIG)
		if p != when || !ok || len(types) > 0 && !slices.Contains(types, sig.TypeCovered) || change(sig) {
			return []dns.RR{rr}
		}
		return nil
	}
}

// DropSignatures leaves signatures out.
func DropSignatures(types ...uint16) Alteration {
	return signatures(ProductRRSIGData, types, func(*dns.RRSIG) bool { return false })
}

// ShiftValidity moves the inception and the expiration of signatures by d, in whole seconds: into the past for a signer
// that had stopped, into the future for one whose clock is ahead. They are true signatures.
func ShiftValidity(d time.Duration, types ...uint16) Alteration {
	by := uint32(int64(d / time.Second))
	return signatures(ProductRRSIGData, types, func(sig *dns.RRSIG) bool {
		sig.Inception += by
		sig.Expiration += by
		return true
	})
}

// SetValidity gives signatures a validity of their own; expiration may lie before inception.
func SetValidity(inception, expiration time.Time, types ...uint16) Alteration {
	return signatures(ProductRRSIGData, types, func(sig *dns.RRSIG) bool {
		sig.Inception, sig.Expiration = uint32(inception.Unix()), uint32(expiration.Unix())
		return true
	})
}

// SwapValidity makes signatures expire before their inception.
func SwapValidity(types ...uint16) Alteration {
	return signatures(ProductRRSIGData, types, func(sig *dns.RRSIG) bool {
		sig.Inception, sig.Expiration = sig.Expiration, sig.Inception
		return true
	})
}

// WrongKeyTag lets signatures name a key that is not the one that made them.
func WrongKeyTag(types ...uint16) Alteration {
	return signatures(ProductRRSIGData, types, func(sig *dns.RRSIG) bool { sig.KeyTag ^= 0x5555; return true })
}

// WrongSigner lets signatures name another zone as their signer.
func WrongSigner(zone string, types ...uint16) Alteration {
	return signatures(ProductRRSIGData, types, func(sig *dns.RRSIG) bool { sig.SignerName = dns.CanonicalName(zone); return true })
}

// WrongLabels lets signatures count a label less than there are, as those of a wildcard do (RFC 4034 section 3.1.3).
func WrongLabels(types ...uint16) Alteration {
	return signatures(ProductRRSIGData, types, func(sig *dns.RRSIG) bool {
		if sig.Labels > 0 {
			sig.Labels--
		}
		return true
	})
}

// CorruptSignature flips a bit of signatures.
func CorruptSignature(types ...uint16) Alteration {
	return signatures(ProductRRSIG, types, func(sig *dns.RRSIG) bool { sig.Signature = flipped(sig.Signature); return true })
}

// flipped changes the last octet of what is base64.
func flipped(text string) string {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) == 0 {
		return "AA=="
	}
	b[len(b)-1] ^= 1
	return base64.StdEncoding.EncodeToString(b)
}

// KSKs, ZSKs and AnyKey choose DNSKEYs by the SEP flag (RFC 4034 section 2.1.1).
func KSKs(k *dns.DNSKEY) bool { return k.Flags&dns.SEP != 0 }

// ZSKs chooses the keys without the SEP flag.
func ZSKs(k *dns.DNSKEY) bool { return k.Flags&dns.SEP == 0 }

// AnyKey chooses every key.
func AnyKey(*dns.DNSKEY) bool { return true }

// keys is an alteration of published DNSKEYs. What signs does not change with them.
func keys(which func(*dns.DNSKEY) bool, change func(*dns.DNSKEY) bool) Alteration {
	return func(p Product, rr dns.RR) []dns.RR {
		k, ok := rr.(*dns.DNSKEY)
		if p != ProductDNSKEY || !ok || !which(k) || change(k) {
			return []dns.RR{rr}
		}
		return nil
	}
}

// DropKeys leaves DNSKEYs out that sign.
func DropKeys(which func(*dns.DNSKEY) bool) Alteration {
	return keys(which, func(*dns.DNSKEY) bool { return false })
}

// ChangeKeys publishes DNSKEYs changed; they sign as they were. Mind that every field is part of the key tag.
func ChangeKeys(which func(*dns.DNSKEY) bool, change func(*dns.DNSKEY)) Alteration {
	return keys(which, func(k *dns.DNSKEY) bool { change(k); return true })
}

// CorruptKeys flips a bit of published public keys.
func CorruptKeys(which func(*dns.DNSKEY) bool) Alteration {
	return ChangeKeys(which, func(k *dns.DNSKEY) { k.PublicKey = flipped(k.PublicKey) })
}

// ClearZoneFlag publishes keys as none of a zone (RFC 4034 section 2.1.1).
func ClearZoneFlag(which func(*dns.DNSKEY) bool) Alteration {
	return ChangeKeys(which, func(k *dns.DNSKEY) { k.Flags &^= dns.ZONE })
}

// Pretend publishes keys of another algorithm than theirs, with everything else to match: signatures name that algorithm
// and the tags that the keys then have. all are the keys that sign. The DS that fits is [PretendDS]'s.
func Pretend(algorithm uint8, which func(*dns.DNSKEY) bool, all ...*Key) Alteration {
	type id struct {
		tag       uint16
		algorithm uint8
	}
	tags := map[id]uint16{}
	for _, k := range all {
		if which(k.DNSKEY) {
			changed := *k.DNSKEY
			changed.Algorithm = algorithm
			tags[id{k.DNSKEY.KeyTag(), k.DNSKEY.Algorithm}] = changed.KeyTag()
		}
	}
	return Alterations(
		ChangeKeys(which, func(k *dns.DNSKEY) { k.Algorithm = algorithm }),
		signatures(ProductRRSIGData, nil, func(sig *dns.RRSIG) bool {
			if tag, ok := tags[id{sig.KeyTag, sig.Algorithm}]; ok {
				sig.KeyTag, sig.Algorithm = tag, algorithm
			}
			return true
		}))
}

// PretendDS is the DS of a key published by [Pretend].
func PretendDS(k *Key, algorithm, digest uint8) *dns.DS {
	changed := *k.DNSKEY
	changed.Algorithm = algorithm
	return changed.ToDS(digest)
}

// denials is an alteration of NSEC and NSEC3 records; false leaves one out.
func denials(nsec func(*dns.NSEC) bool, nsec3 func(*dns.NSEC3) bool) Alteration {
	return func(p Product, rr dns.RR) []dns.RR {
		keep := true
		switch x := rr.(type) {
		case *dns.NSEC:
			keep = p != ProductDenial || nsec(x)
		case *dns.NSEC3:
			keep = p != ProductDenial || nsec3(x)
		}
		if !keep {
			return nil
		}
		return []dns.RR{rr}
	}
}

// DropDenial leaves NSEC and NSEC3 records out.
func DropDenial() Alteration {
	return denials(func(*dns.NSEC) bool { return false }, func(*dns.NSEC3) bool { return false })
}

// DropNSEC3PARAM leaves NSEC3PARAM out, without which a server has no chain to use (RFC 5155 section 7.3).
func DropNSEC3PARAM() Alteration {
	return func(p Product, rr dns.RR) []dns.RR {
		if p == ProductDenial && rr.Header().Rrtype == dns.TypeNSEC3PARAM {
			return nil
		}
		return []dns.RR{rr}
	}
}

// WrongSpan makes every span of NSEC and NSEC3 end right where it begins, so that it covers no name. The NSEC of a name
// that is too long to have one right after it is left out.
func WrongSpan() Alteration {
	return denials(
		func(x *dns.NSEC) bool {
			x.NextDomain = `\000.` + strings.TrimPrefix(x.Hdr.Name, ".")
			_, ok := dns.IsDomainName(x.NextDomain)
			return ok
		},
		func(x *dns.NSEC3) bool { x.NextDomain = nextHash(dns.SplitDomainName(x.Hdr.Name)[0]); return true })
}

// WrongOwner moves NSEC3 records to the hash right after theirs, which is no name's.
func WrongOwner() Alteration {
	return nsec3s(func(x *dns.NSEC3) {
		hash, rest, _ := strings.Cut(x.Hdr.Name, ".")
		x.Hdr.Name = strings.ToLower(nextHash(hash)) + "." + rest
	})
}

// WrongSalt lets NSEC3 records, though not NSEC3PARAM, tell of another salt (in hexadecimal) than they were made with.
func WrongSalt(salt string) Alteration {
	return nsec3s(func(x *dns.NSEC3) { x.Salt, x.SaltLength = salt, uint8(len(salt)/2) })
}

// WrongIterations does the same with the iterations.
func WrongIterations(n uint16) Alteration { return nsec3s(func(x *dns.NSEC3) { x.Iterations = n }) }

func nsec3s(change func(*dns.NSEC3)) Alteration {
	return denials(func(*dns.NSEC) bool { return true }, func(x *dns.NSEC3) bool { change(x); return true })
}

// DenyTypes takes types out of what NSEC and NSEC3 records list: to a validator with an aggressive cache (RFC 8198) they
// then do not exist.
func DenyTypes(types ...uint16) Alteration {
	return bitmaps(func(bitmap []uint16) []uint16 {
		return slices.DeleteFunc(slices.Clone(bitmap), func(t uint16) bool { return slices.Contains(types, t) })
	})
}

// ClaimTypes puts types into what NSEC and NSEC3 records list that are not there.
func ClaimTypes(types ...uint16) Alteration {
	return bitmaps(func(bitmap []uint16) []uint16 {
		bitmap = append(slices.Clone(bitmap), types...)
		slices.Sort(bitmap)
		return slices.Compact(bitmap)
	})
}

func bitmaps(change func([]uint16) []uint16) Alteration {
	return denials(func(x *dns.NSEC) bool { x.TypeBitMap = change(x.TypeBitMap); return true },
		func(x *dns.NSEC3) bool { x.TypeBitMap = change(x.TypeBitMap); return true })
}

// nextHash is the hash, in base32hex, right after another.
func nextHash(hash string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
	b := []byte(strings.ToUpper(hash))
	for i := len(b) - 1; i >= 0; i-- {
		d := strings.IndexByte(digits, b[i])
		b[i] = digits[(d+1)%len(digits)]
		if d+1 < len(digits) {
			break
		}
	}
	return string(b)
}

// CorruptDigest flips a bit of the zone's digests (RFC 8976), which are signed as they then are.
func CorruptDigest() Alteration {
	return func(p Product, rr dns.RR) []dns.RR {
		if x, ok := rr.(*dns.ZONEMD); ok && p == ProductZONEMD {
			last := len(x.Digest) - 1
			x.Digest = x.Digest[:last] + string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", x.Digest[last])+1)%16])
		}
		return []dns.RR{rr}
	}
}
