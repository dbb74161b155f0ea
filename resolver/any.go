package resolver

import (
	"fmt"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// ANYAnswer says what a question for the type ANY gets.
type ANYAnswer uint8

const (
	// ANYMinimal: an HINFO record that says so (RFC 8482 section 4.2), without the work that the question asks for, nor the
	// long answer to an address that may be somebody else's.
	ANYMinimal ANYAnswer = iota
	// ANYAll: all that servers say is told, each RRset of it validated; as Unbound does, and BIND without minimal-any.
	ANYAll
)

// any8482 answers ANY with next to nothing.
func any8482(q *question) *reply {
	return &reply{answer: []dns.RR{&dns.HINFO{Hdr: dns.RR_Header{Name: q.asked, Rrtype: dns.TypeHINFO, Class: dns.ClassINET, Ttl: 3600},
		Cpu: "RFC8482"}}}
}

// maxAll bounds the RRsets of an answer to ANY that are validated.
const maxAll = 64

// judgeAll judges the answer to ANY: each RRset by itself. All is worth what the least of it is.
func (t *task) judgeAll(e *cache.Entry) (v verdict, fail *failure) {
	sets := byType(e.Set)
	if len(sets) > maxAll {
		v.Status, v.EDE = validate.Bogus, dns.ExtendedErrorCodeDNSBogus
		v.Why = fmt.Sprintf("%d RRsets of %s are too many to be validated for one question", len(sets), e.Name)
		return v, nil
	}
	for i, set := range sets {
		one, fail := t.judgeSet(&cache.Entry{Name: e.Name, Type: set.RRs[0].Header().Rrtype, Kind: e.Kind, Rank: e.Rank, Set: set, Proof: e.Proof})
		if fail != nil || one.Status == validate.Bogus {
			return one, fail
		}
		until, wildcard := earlier(v.Until, one.Until), v.Wildcard
		if i == 0 || one.Status != validate.Secure {
			v = one
		}
		if v.Until = until; wildcard != "" {
			v.Wildcard = wildcard
		}
	}
	return v, nil
}

// byType takes the answer to ANY apart.
func byType(all validate.RRset) (sets []validate.RRset) {
	index := make(map[uint16]int)
	for _, rr := range all.RRs {
		i, ok := index[rr.Header().Rrtype]
		if !ok {
			i = len(sets)
			index[rr.Header().Rrtype] = i
			sets = append(sets, validate.RRset{})
		}
		sets[i].RRs = append(sets[i].RRs, rr)
	}
	for _, sig := range all.Sigs {
		if i, ok := index[sig.TypeCovered]; ok {
			sets[i].Sigs = append(sets[i].Sigs, sig)
		}
	}
	return sets
}
