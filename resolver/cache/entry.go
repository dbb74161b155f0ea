package cache

import (
	"sync/atomic"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// Kind says what an entry knows about its name.
type Kind uint8

const (
	Positive Kind = iota // an RRset
	NODATA               // the name has no RRset of this type (RFC 2308 section 2.2)
	NXDOMAIN             // the name does not exist, whatever the type (RFC 2308 section 2.1); its Type is dns.TypeNone
	Failure              // the question could not be answered (RFC 9520)
)

// String gives the kind as people write it.
func (k Kind) String() string {
	switch k {
	case Positive:
		return "positive"
	case NODATA:
		return "NODATA"
	case NXDOMAIN:
		return "NXDOMAIN"
	default:
		return "failure"
	}
}

// Rank is how far data may be trusted by where it stood in which message (RFC 2181 section 5.4.1); higher wins.
type Rank uint8

const (
	// Hint: root hints and whatever else was merely configured.
	Hint Rank = iota
	// Additional: an additional section, glue among it. Not for answers to clients.
	Additional
	// Referral: the authority section of a message without AA: a delegation's NS. Not for answers to clients.
	Referral
	// NonAuthoritativeAnswer: an answer section without AA, and in one with AA what the server is not authoritative for.
	NonAuthoritativeAnswer
	// Authority: the authority section of a message with AA.
	Authority
	// Answer: the answer section of a message with AA. Negative answers of authorities have this rank too.
	Answer
)

// String names the rank for dumps.
func (r Rank) String() string {
	switch r {
	case Hint:
		return "hint"
	case Additional:
		return "additional"
	case Referral:
		return "referral"
	case NonAuthoritativeAnswer:
		return "non-authoritative answer"
	case Authority:
		return "authority"
	default:
		return "answer"
	}
}

// Entry is what the cache knows about one name and type. Fill in Name, Type, Kind, Rank, Status and what the kind has,
// and give it to Put. From then on it is shared and nobody writes to it.
type Entry struct {
	Name   string // canonical after Put: lower case, with the trailing dot
	Type   uint16 // dns.TypeNone for NXDOMAIN
	Kind   Kind
	Rank   Rank
	Status validate.Status
	// Checking, of a Failure: it is one of validation alone, so that those who do not check have nothing to do with it.
	Checking bool
	// EDE is what to tell clients: of a Failure, of Bogus data, and of Insecure data with a reason.
	EDE []dns.EDNS0_EDE

	// Set is the RRset with its signatures, for Positive.
	Set validate.RRset
	// SOA is the zone's SOA with its signatures, for NXDOMAIN and NODATA.
	SOA validate.RRset
	// Proof holds the NSEC or NSEC3 RRsets that prove a negative answer, or that no closer match than its wildcard exists
	// for a synthesised Positive one.
	Proof []validate.RRset
	// Until is the end of the signatures that Status stands on (validate.Verdict.Until); zero for none.
	Until time.Time

	// Above, of an NS RRset, is the delegation by which its teller was found; nil: the root's servers told it, or configured ones.
	Above *Above

	// Stored and Expires are set by Put and Fail.
	Stored, Expires time.Time

	aged [4]atomic.Pointer[agedRRs] // by section
	kept
}

// TTL is what is left of the entry's life in whole seconds, rounded down; 0 when it is over, and never more than it was
// when the entry was stored, even if now is before that.
func (e *Entry) TTL(now time.Time) uint32 {
	left := min(e.Expires.Sub(now), e.Expires.Sub(e.Stored))
	return uint32(max(left, 0) / time.Second)
}

// Live says whether the entry's life is not over.
func (e *Entry) Live(now time.Time) bool { return e.live(now) }

func (e *Entry) live(now time.Time) bool { return now.Before(e.Expires) }

// used notes that somebody took interest in the entry, for the sake of eviction. A nil entry is none.
func (e *Entry) used() (*Entry, bool) {
	if e == nil {
		return nil, false
	}
	if !e.recent.Load() { // mostly it is set: then the cache line stays shared between cores
		e.recent.Store(true)
	}
	return e, true
}
