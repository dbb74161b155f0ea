package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"

	"github.com/miekg/dns"
)

// The flags of the two customary kinds of key (RFC 4034 section 2.1.1).
const (
	FlagsZSK = dns.ZONE
	FlagsKSK = dns.ZONE | dns.SEP
)

// Key is a zone's key: the record that publishes it, and what signs with it.
type Key struct {
	DNSKEY *dns.DNSKEY
	// Signer holds the private key. nil: the key is published and signs nothing, as before and after its time in a
	// pre-publish rollover (RFC 6781 section 4.1.1.1).
	Signer crypto.Signer
	// Times is what the key's files say of its life, if it came from files.
	Times KeyTimes
}

// KSK tells whether the key has the SEP flag and so is meant to sign the DNSKEY RRset (RFC 4034 section 2.1.1).
func (k *Key) KSK() bool { return k.DNSKEY.Flags&dns.SEP != 0 }

// DS is what the parent publishes for the key, made with the digest type: 1, 2 or 4 (RFC 4034 section 5, RFC 4509,
// RFC 6605). nil for another digest type. Its TTL is the DNSKEY's; a parent sets its own.
func (k *Key) DS(digest uint8) *dns.DS { return k.DNSKEY.ToDS(digest) }

// DeriveKey makes the key of zone that belongs to seed: the same arguments give the same key. algorithm is
// dns.ECDSAP256SHA256, dns.ECDSAP384SHA384 or dns.ED25519; flags are the DNSKEY's ([FlagsKSK], [FlagsZSK]); label
// tells keys apart that are alike in all this, such as a key and its successor. The seed is any secret bytes; HKDF
// (RFC 5869) spreads them. The DNSKEY's TTL is left 0: [Sign] sets it.
//
// The key's tag is that of none of the keys in beside, revoked (RFC 5011 section 2.1) or not: give the zone's other keys
// there, in an order that does not change. Two keys of one tag are legal, and a nuisance to validators and people (RFC
// 4034 section 8).
func DeriveKey(zone string, flags uint16, algorithm uint8, seed []byte, label string, beside ...*Key) (*Key, error) {
	if _, ok := dns.IsDomainName(zone); !ok {
		return nil, fmt.Errorf("deriving a key: %q is not a domain name", zone)
	}
	zone = dns.CanonicalName(zone)
	info := fmt.Sprintf("faultzone zone key/%s/%d/%d/%s", zone, flags, algorithm, label)
	for try := range 100 {
		signer, public, err := derive(algorithm, seed, info)
		if err != nil {
			return nil, fmt.Errorf("deriving a key of %s: %w", zone, err)
		}
		k := &Key{
			DNSKEY: &dns.DNSKEY{
				Hdr:       dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET},
				Flags:     flags,
				Protocol:  3,
				Algorithm: algorithm,
				PublicKey: base64.StdEncoding.EncodeToString(public),
			},
			Signer: repeatable{signer},
		}
		if !slices.ContainsFunc(beside, k.collides) {
			return k, nil
		}
		info = fmt.Sprintf("faultzone zone key/%s/%d/%d/%s/another %d", zone, flags, algorithm, label, try)
	}
	return nil, fmt.Errorf("deriving a key of %s: every key tag tried is taken by the %d keys beside it", zone, len(beside))
}

// collides tells whether another key has the tag of k, as each is or revoked.
func (k *Key) collides(other *Key) bool {
	for _, a := range k.tags() {
		for _, b := range other.tags() {
			if a == b {
				return true
			}
		}
	}
	return false
}

// tags are the key tags without and with the REVOKE flag, which changes them (RFC 5011 section 2.1).
func (k *Key) tags() [2]uint16 {
	kept, revoked := *k.DNSKEY, *k.DNSKEY
	kept.Flags &^= dns.REVOKE
	revoked.Flags |= dns.REVOKE
	return [2]uint16{kept.KeyTag(), revoked.KeyTag()}
}

// derive gives the private key and the public one as DNSKEY has it.
func derive(algorithm uint8, seed []byte, info string) (crypto.Signer, []byte, error) {
	switch algorithm {
	case dns.ED25519: // RFC 8080 section 3
		secret, err := hkdf.Key(sha256.New, seed, nil, info, ed25519.SeedSize)
		if err != nil {
			return nil, nil, err
		}
		key := ed25519.NewKeyFromSeed(secret)
		return key, key.Public().(ed25519.PublicKey), nil
	case dns.ECDSAP256SHA256:
		return deriveECDSA(elliptic.P256(), 32, seed, info)
	case dns.ECDSAP384SHA384:
		return deriveECDSA(elliptic.P384(), 48, seed, info)
	}
	return nil, nil, fmt.Errorf("algorithm %d cannot be derived from a seed: use %d (%s), %d (%s) or %d (%s)", algorithm,
		dns.ECDSAP256SHA256, "ECDSAP256SHA256", dns.ECDSAP384SHA384, "ECDSAP384SHA384", dns.ED25519, "ED25519")
}

// deriveECDSA draws scalars until one lies below the curve's order, which the first one does but for one seed in 2³².
func deriveECDSA(curve elliptic.Curve, size int, seed []byte, info string) (crypto.Signer, []byte, error) {
	for try := range 100 {
		secret, err := hkdf.Key(sha256.New, seed, nil, fmt.Sprintf("%s/%d", info, try), size)
		if err != nil {
			return nil, nil, err
		}
		key, err := ecdsa.ParseRawPrivateKey(curve, secret)
		if err != nil {
			continue
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return nil, nil, err
		}
		return key, point[1:], nil // DNSKEY leaves out the 4 that marks an uncompressed point (RFC 6605 section 4)
	}
	return nil, nil, fmt.Errorf("no scalar of %s came out of the seed", curve.Params().Name)
}

// repeatable signs the same digest with the same bytes each time, whoever calls it with whatever source of randomness:
// given none, ECDSA follows RFC 6979.
type repeatable struct{ crypto.Signer }

func (r repeatable) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.Signer.Sign(nil, digest, opts)
}
