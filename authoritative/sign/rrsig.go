package sign

import (
	"bytes"
	"crypto"
	_ "crypto/sha512" // for crypto.SHA384 and SHA512; key.go has SHA256
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// signingKey is a Key with what each signature needs of it.
type signingKey struct {
	signer    crypto.Signer
	algorithm uint8
	tag       uint16
	public    string
	hash      crypto.Hash // 0: the data itself is signed
	half      int         // of an ECDSA signature, in octets; 0 for others
}

func newSigningKey(k *Key) (*signingKey, error) {
	sk := &signingKey{signer: k.Signer, algorithm: k.DNSKEY.Algorithm, tag: k.DNSKEY.KeyTag(), public: k.DNSKEY.PublicKey}
	switch sk.algorithm {
	case dns.RSASHA256:
		sk.hash = crypto.SHA256
	case dns.RSASHA512:
		sk.hash = crypto.SHA512
	case dns.ECDSAP256SHA256:
		sk.hash, sk.half = crypto.SHA256, 32
	case dns.ECDSAP384SHA384:
		sk.hash, sk.half = crypto.SHA384, 48
	case dns.ED25519:
	default:
		return nil, fmt.Errorf("the key %d has algorithm %d (%s), which cannot sign here: take 8, 10, 13, 14 or 15", sk.tag,
			sk.algorithm, dns.AlgorithmToString[sk.algorithm])
	}
	return sk, nil
}

// worker makes one signature after the other, in its own memory.
type worker struct {
	data  []byte
	wires [][]byte
	store []byte
}

// unsigned is the RRSIG over a set by a key, but for the signature (RFC 4034 section 3.1).
func (s *signer) unsigned(set *rrset, k *signingKey) *dns.RRSIG {
	ttl := set.rrs[0].Header().Ttl
	for _, rr := range set.rrs { // uneven only where Alter made it so; the zone will even it out
		ttl = min(ttl, rr.Header().Ttl)
	}
	labels := dns.CountLabel(set.name)
	if isWildcard(set.name) {
		labels-- // RFC 4034 section 3.1.3
	}
	return &dns.RRSIG{
		Hdr:         dns.RR_Header{Name: set.name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: ttl},
		TypeCovered: set.rrtype,
		Algorithm:   k.algorithm,
		Labels:      uint8(labels),
		OrigTtl:     ttl,
		Expiration:  uint32(s.params.Expiration.Unix()),
		Inception:   uint32(s.params.Inception.Unix()),
		KeyTag:      k.tag,
		SignerName:  s.zone.Origin(),
	}
}

// sign puts the signature over a set into sig (RFC 4034 section 3.1.8.1).
func (w *worker) sign(sig *dns.RRSIG, rrs []dns.RR, k *signingKey, memo *Memo) (err error) {
	if err := w.gather(sig, rrs); err != nil {
		return err
	}
	if memo == nil {
		sig.Signature, err = k.sign(w.data)
		return err
	}
	key := keyOf(k, w.data)
	known, ok := memo.get(key)
	if !ok {
		if known, err = k.sign(w.data); err != nil {
			return err
		}
		memo.put(key, known)
	}
	sig.Signature = known
	return nil
}

// isWildcard knows the asterisk label however it is escaped: what counts is its octet (RFC 4592 section 2.1.1).
func isWildcard(name string) bool {
	return strings.HasPrefix(name, "*.") || strings.HasPrefix(name, `\*.`) || strings.HasPrefix(name, `\042.`)
}

// gather puts what is signed into w.data: the RRSIG's RDATA without the signature, then the records in canonical form
// and order, each once (RFC 4034 section 6.3).
func (w *worker) gather(sig *dns.RRSIG, rrs []dns.RR) error {
	rdata, at, err := zone.AppendCanonical(w.data[:0], sig, sig.OrigTtl)
	if err != nil {
		return err
	}
	w.data = append(rdata[:0], rdata[at:]...)
	w.wires, w.store = w.wires[:0], w.store[:0]
	var ends []int
	for _, rr := range rrs {
		var begin int
		if w.store, begin, err = zone.AppendCanonical(w.store, rr, sig.OrigTtl); err != nil {
			return err
		}
		ends = append(ends, begin, len(w.store))
	}
	start := 0
	for i := 0; i < len(ends); i += 2 {
		w.wires = append(w.wires, w.store[start:ends[i+1]])
		start = ends[i+1]
	}
	// Owner, type, class and TTL are the same in all; RDLENGTH, which follows, is not part of the order.
	head := ends[0]
	slices.SortFunc(w.wires, func(a, b []byte) int { return bytes.Compare(a[head:], b[head:]) })
	for i, wire := range w.wires {
		if i == 0 || !bytes.Equal(wire, w.wires[i-1]) {
			w.data = append(w.data, wire...)
		}
	}
	return nil
}

// sign gives the signature in base64, as miekg/dns holds it.
func (k *signingKey) sign(data []byte) (string, error) {
	if k.hash != 0 {
		h := k.hash.New()
		h.Write(data)
		data = h.Sum(nil)
	}
	raw, err := k.signer.Sign(nil, data, k.hash)
	if err == nil && k.half > 0 {
		raw, err = fixedWidth(raw, k.half)
	}
	if err != nil {
		return "", fmt.Errorf("the key %d cannot sign: %w", k.tag, err)
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

var errNotECDSA = errors.New("its signature is not an ECDSA one")

// fixedWidth turns an ECDSA signature from the ASN.1 that Go makes, SEQUENCE { INTEGER r, INTEGER s }, into r and s side
// by side (RFC 6605 section 4). Both curves keep it below 128 octets, so each length is one octet.
func fixedWidth(der []byte, half int) ([]byte, error) {
	if len(der) < 2 || der[0] != 0x30 || int(der[1]) != len(der)-2 {
		return nil, errNotECDSA
	}
	der = der[2:]
	out := make([]byte, 2*half)
	for end := half; end <= 2*half; end += half {
		if len(der) < 2 || der[0] != 0x02 || len(der) < 2+int(der[1]) {
			return nil, errNotECDSA
		}
		n := der[2 : 2+int(der[1])]
		der = der[2+len(n):]
		n = bytes.TrimLeft(n, "\x00")
		if len(n) > half {
			return nil, errNotECDSA
		}
		copy(out[end-len(n):], n)
	}
	if len(der) > 0 {
		return nil, errNotECDSA
	}
	return out, nil
}
