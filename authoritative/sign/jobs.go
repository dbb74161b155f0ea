package sign

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// job is one signature to be made.
type job struct {
	set *rrset
	key *signingKey
	sig *dns.RRSIG // all but the signature is there from the start
	err error
}

// signAll makes the signatures in whatever order the cores come to them, and then takes them in the zone's.
func (s *signer) signAll(parts ...[]rrset) ([]dns.RR, error) {
	jobs, err := s.jobs(parts)
	if err != nil {
		return nil, err
	}
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		working.Go(func() {
			var w worker
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				j := &jobs[i]
				j.err = w.sign(j.sig, j.set.rrs, j.key, s.params.Memo)
			}
		})
	}
	working.Wait()
	sigs := make([]dns.RR, 0, len(jobs))
	for _, j := range jobs {
		if j.err != nil {
			return nil, j.err
		}
		sigs = append(sigs, s.alter(ProductRRSIG, j.sig)...)
	}
	return sigs, nil
}

// jobs lists the signatures in the order in which Alter sees them.
func (s *signer) jobs(parts [][]rrset) ([]job, error) {
	var sets []*rrset
	for _, part := range parts {
		for i := range part {
			if part[i].signed {
				sets = append(sets, &part[i])
			}
		}
	}
	slices.SortStableFunc(sets, func(a, b *rrset) int {
		if c := zone.CompareNames(a.name, b.name); c != 0 {
			return c
		}
		return int(a.rrtype) - int(b.rrtype)
	})
	jobs := make([]job, 0, len(sets))
	for _, set := range sets {
		for _, key := range s.signersOf(set) {
			for _, rr := range s.alter(ProductRRSIGData, s.unsigned(set, key)) {
				sig, ok := rr.(*dns.RRSIG)
				if !ok {
					return nil, fmt.Errorf("the Alter function made %T of the signature over %s %s that was to be made: only RRSIGs can be signed",
						rr, set.name, dns.Type(set.rrtype))
				}
				jobs = append(jobs, job{set: set, key: key, sig: sig})
			}
		}
	}
	return jobs, nil
}

func (s *signer) signersOf(set *rrset) []*signingKey {
	switch set.rrtype {
	case dns.TypeDNSKEY, dns.TypeCDS, dns.TypeCDNSKEY: // RFC 7344 section 4.1 for the latter two
		if s.atApex(set.name) {
			return s.keySigners
		}
	}
	return s.zoneSigners
}
