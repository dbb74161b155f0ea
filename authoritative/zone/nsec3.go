package zone

import (
	"crypto/sha1"
	"encoding/base32"
	"encoding/hex"
	"slices"
	"sort"
	"strings"

	"github.com/miekg/dns"
)

// nsec3Hash is the hash of an owner name; only SHA-1 was ever assigned (RFC 5155 section 11).
type nsec3Hash [sha1.Size]byte

// nsec3Params is what NSEC3PARAM tells a server to hash with (RFC 5155 section 4).
type nsec3Params struct {
	iterations uint16
	salt       []byte
}

// hashNode is one link of the chain.
type hashNode struct {
	hash nsec3Hash
	set  *set
}

// hash is IH(salt, name, iterations) of RFC 5155 section 5.
func (z *Zone) hash(wire []byte) nsec3Hash { return hashName(wire, z.params.iterations, z.params.salt) }

func hashName(wire []byte, iterations uint16, salt []byte) nsec3Hash {
	var buf [maxWire + 1 + 255]byte
	h := nsec3Hash(sha1.Sum(append(append(buf[:0], wire...), salt...)))
	for range iterations {
		h = sha1.Sum(append(append(buf[:0], h[:]...), salt...))
	}
	return h
}

// HashName gives the NSEC3 hash of a name (RFC 5155 section 5) in base32hex, in lower case as an owner's label is
// commonly written. What is not a domain name gives "".
func HashName(name string, iterations uint16, salt []byte) string {
	var buf [maxWire + 1]byte
	wire, ok := appendWire(buf[:0], name)
	if !ok || len(salt) > 255 {
		return ""
	}
	h := hashName(wire, iterations, salt)
	return strings.ToLower(base32.HexEncoding.EncodeToString(h[:]))
}

// chainNSEC3 takes up the NSEC3 chain that NSEC3PARAM announces: without that record the chain is not complete and is
// not used (RFC 5155 section 7.3).
func (z *Zone) chainNSEC3() {
	param := z.apex.find(dns.TypeNSEC3PARAM)
	if param == nil {
		return
	}
	for _, rr := range param.RRs {
		x := rr.(*dns.NSEC3PARAM)
		salt, err := hex.DecodeString(strings.TrimPrefix(x.Salt, "-"))
		if err != nil || x.Hash != dns.SHA1 || x.Flags != 0 {
			continue
		}
		z.params = nsec3Params{x.Iterations, salt}
		for _, n := range z.hashed {
			for i := range n.sets {
				s := &n.sets[i]
				if hash, ok := ownerHash(n.wire); ok && parentOf(n.wire) == z.apex.wire && z.isOfChain(s) {
					z.chain = append(z.chain, hashNode{hash, s})
				}
			}
		}
		if len(z.chain) > 0 {
			z.denial = denialNSEC3
			break
		}
	}
	slices.SortFunc(z.chain, func(a, b hashNode) int { return slices.Compare(a.hash[:], b.hash[:]) })
}

// isOfChain tells whether an NSEC3 was made with the parameters in use.
func (z *Zone) isOfChain(s *set) bool {
	x, ok := s.RRs[0].(*dns.NSEC3)
	return ok && x.Hash == dns.SHA1 && x.Iterations == z.params.iterations &&
		strings.EqualFold(strings.TrimPrefix(x.Salt, "-"), hex.EncodeToString(z.params.salt))
}

// ownerHash reads the first label of an NSEC3's owner.
func ownerHash(wire string) (hash nsec3Hash, ok bool) {
	if wire[0] == 0 {
		return hash, false // the root is no hash
	}
	label := wire[1 : 1+int(wire[0])]
	if len(label) != base32.HexEncoding.EncodedLen(len(hash)) {
		return hash, false
	}
	n, err := base32.HexEncoding.Decode(hash[:], []byte(strings.ToUpper(label)))
	return hash, err == nil && n == len(hash)
}

// matching finds the NSEC3 of a name.
func (z *Zone) matching(hash nsec3Hash) *set {
	i := sort.Search(len(z.chain), func(i int) bool { return slices.Compare(z.chain[i].hash[:], hash[:]) >= 0 })
	if i < len(z.chain) && z.chain[i].hash == hash {
		return z.chain[i].set
	}
	return nil
}

// coveringHash finds the NSEC3 whose span holds a hash that is none of the chain's; the last one reaches around to the
// first.
func (z *Zone) coveringHash(hash nsec3Hash) *set {
	i := sort.Search(len(z.chain), func(i int) bool { return slices.Compare(z.chain[i].hash[:], hash[:]) > 0 })
	if i == 0 {
		i = len(z.chain)
	}
	return z.chain[i-1].set
}

// proveEncloser adds the closest provable encloser proof (RFC 5155 section 7.2.1): the NSEC3 of the lowest name, at or
// above n, that has one, and the one that covers the next closer name. n begins at off in wire. It returns that
// encloser.
func (z *Zone) proveEncloser(p *proof, n *node, wire []byte, off int) *node {
	closer := 0
	if off > 0 {
		closer = labelBefore(wire, off)
	}
	for n.denial() == nil && n.parent != nil {
		n, closer, off = n.parent, off, off+1+int(wire[off])
	}
	p.add(n.denial())
	if off > 0 {
		p.add(z.coveringHash(z.hash(wire[closer:])))
	}
	return n
}
