// Package validate gives DNSSEC verdicts: it takes records, keys and a time, and says Secure, Insecure, Bogus or
// Indeterminate, with the extended error (RFC 8914) and the reason. It is pure: no network, no cache, no clock, no state.
//
// It follows RFC 4035 section 5 with the clarifications of RFC 6840, RFC 5155 section 8 for NSEC3, RFC 9276 section 3.2
// for its iterations, and RFC 4509 section 3 for SHA-1 digests beside better ones. It knows the algorithms RSASHA256 (8),
// RSASHA512 (10), ECDSAP256SHA256 (13), ECDSAP384SHA384 (14) and ED25519 (15), and the digests SHA-1 (1), SHA-256 (2) and
// SHA-384 (4). What else a zone is signed with counts as unknown, and a zone with unknown alone as not signed.
//
// The work of one call is bounded (Policy), whatever keys, signatures and proofs an attacker sends.
//
// What it leaves to its caller: to fetch the records, to walk the chain from a trust anchor down to a zone (Keys for
// each zone, then NoDS or the next DS), to compare a CNAME that was synthesised from a DNAME with the signed DNAME, to
// remember what was verified, and to cap TTLs by Verdict.Until.
// Records are only read, never changed. Names are compared without case.
package validate

import (
	"time"

	"github.com/miekg/dns"
)

// Status is the security status of RFC 4033 section 5 and RFC 4035 section 4.3. The zero value claims nothing.
type Status uint8

const (
	// Indeterminate: no trust anchor says whether the data should be signed; also, not validated yet.
	Indeterminate Status = iota
	// Insecure: proven that there is no chain of trust to the data, so that it cannot be checked.
	Insecure
	// Secure: a chain of trust leads to the data, and the data stands.
	Secure
	// Bogus: the data should be Secure and is not.
	Bogus
)

// String gives the status in lower case, as log lines have it.
func (s Status) String() string {
	switch s {
	case Insecure:
		return "insecure"
	case Secure:
		return "secure"
	case Bogus:
		return "bogus"
	default:
		return "indeterminate"
	}
}

// MarshalText gives String.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Verdict is what a check came to.
type Verdict struct {
	Status Status
	// EDE is the extended error's INFO-CODE (dns.ExtendedErrorCode…); 0 where there is nothing to tell. An Insecure
	// verdict may have one too: 1, 2 or 27 say why a signed zone could not be checked.
	EDE uint16
	// Why is one sentence for people, naming the zone, the name, the key tag and the times; empty for a plain Secure.
	Why string
	// Until is the earliest expiration of the signatures that the verdict stands on, Policy.Skew included; zero when it
	// stands on none. The signatures are good up to and including this second.
	Until time.Time
	// KeyTag and Algorithm are those of the signature that one Secure RRset stands on (Signed, Keys); 0 for none.
	KeyTag    uint16
	Algorithm uint8
	// Wildcard is "*.closest.encloser." when the RRset was synthesised from that wildcard (RFC 4035 section 5.3.4). The
	// caller must then also have NoCloserMatch agree before it takes the answer.
	Wildcard string
}

// RRset is an RRset with its signatures, as they stand in a message. The RRs have one owner, class and type.
type RRset struct {
	RRs  []dns.RR
	Sigs []*dns.RRSIG
}

// Policy holds what an operator may choose. The zero value is the sensible choice.
type Policy struct {
	// Skew is how far the validator's clock may be off: signatures count as valid that much before their inception and
	// after their expiration. Default 0.
	Skew time.Duration
	// MaxNSEC3Iterations is the most extra iterations that an NSEC3 may have; a zone with more is Insecure with EDE 27
	// (RFC 9276 section 3.2). 0 means 100.
	MaxNSEC3Iterations uint16
	// MaxSignatures is how many signatures one call checks by cryptography before it gives up as Bogus. 0 means 16.
	MaxSignatures int
	// MaxKeys is how many keys that share an algorithm and a key tag are tried for one signature, or hashed for one DS.
	// 0 means 4. Together with MaxSignatures it answers CVE-2023-50387, "KeyTrap".
	MaxKeys int
	// SHA1 has signatures of RSASHA1 and RSASHA1-NSEC3-SHA1 (5, 7) checked. Otherwise zones with no others are Insecure
	// (RFC 9905 section 2).
	SHA1 bool
}
