package authoritative

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"

	"github.com/miekg/dns"
)

// TSIGKey is a secret shared with another server or a client (RFC 8945).
type TSIGKey struct {
	// Name is a domain name, known to both sides.
	Name string
	// Algorithm is one of hmac-sha1, -sha224, -sha256, -sha384, -sha512, with or without a trailing dot.
	Algorithm string
	// Secret is the key itself, not its base64. At least 16 octets.
	Secret []byte
	// MAC is how many octets of each MAC are sent, and how many have to come; 0: all of the hash. RFC 8945 section
	// 5.2.2.1 allows half the hash, and 10 octets, at the least. A request with less is told BADTRUNC.
	MAC int
}

// minSecret is the shortest secret taken: 128 bits, which is where guessing it stops being a plan. RFC 8945 section 6
// asks for as many octets as the hash has and lets operators do with less.
const minSecret = 16

// tsigKey is a checked TSIGKey.
type tsigKey struct {
	name, algorithm string // canonical
	// wireName and wireAlgorithm are the same as they are hashed and sent.
	wireName, wireAlgorithm string
	secret                  []byte
	hash                    func() hash.Hash
	size                    int // of a whole MAC
	sent                    int // of a MAC as it is sent, and as it has to come at the least
}

func newTSIGKey(k TSIGKey) (*tsigKey, error) {
	key := &tsigKey{name: dns.CanonicalName(k.Name), algorithm: dns.CanonicalName(k.Algorithm)}
	switch key.algorithm {
	case dns.HmacSHA1:
		key.hash = sha1.New
	case dns.HmacSHA224:
		key.hash = sha256.New224
	case dns.HmacSHA256:
		key.hash = sha256.New
	case dns.HmacSHA384:
		key.hash = sha512.New384
	case dns.HmacSHA512:
		key.hash = sha512.New
	default:
		return nil, fmt.Errorf("TSIG key %q: unknown algorithm %q; use hmac-sha256", k.Name, k.Algorithm)
	}
	if len(k.Secret) < minSecret {
		return nil, fmt.Errorf("TSIG key %q: the secret has %d octets; give it at least %d", k.Name, len(k.Secret), minSecret)
	}
	if k.Name == "" {
		return nil, fmt.Errorf("a TSIG key has no name")
	}
	var err error
	if key.wireName, err = wireName(k.Name); err != nil {
		return nil, fmt.Errorf("TSIG key %q: the name is no domain name: %w", k.Name, err)
	}
	if key.wireAlgorithm, err = wireName(k.Algorithm); err != nil {
		return nil, fmt.Errorf("TSIG key %q: %w", k.Name, err)
	}
	key.secret = append([]byte(nil), k.Secret...)
	key.size = key.hash().Size()
	if key.sent = k.MAC; key.sent == 0 {
		key.sent = key.size
	}
	if key.sent < key.shortest() || key.sent > key.size {
		return nil, fmt.Errorf("TSIG key %q: a MAC of %d octets; %s takes %d to %d (RFC 8945 section 5.2.2.1)", k.Name, k.MAC,
			k.Algorithm, key.shortest(), key.size)
	}
	return key, nil
}

// shortest is the least that a truncated MAC may have (RFC 8945 section 5.2.2.1).
func (k *tsigKey) shortest() int { return max(10, k.size/2) }

// public is the key as it was given.
func (k *tsigKey) public() TSIGKey {
	p := TSIGKey{Name: k.name, Algorithm: k.algorithm, Secret: append([]byte(nil), k.secret...)}
	if k.sent < k.size {
		p.MAC = k.sent
	}
	return p
}

// mac is the HMAC over the parts, one after another.
func (k *tsigKey) mac(parts ...[]byte) []byte {
	h := hmac.New(k.hash, k.secret)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
