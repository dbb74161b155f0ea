package authoritative

import (
	"errors"
	"fmt"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// takeIncrement takes the next record of an answer that has turned out to be incremental (RFC 1995 section 4): the
// changes in order, each as its old SOA, what is deleted, its new SOA, what is added; and the newest SOA at the end.
func (in *incoming) takeIncrement(rr dns.RR) error {
	soa, isSOA := rr.(*dns.SOA)
	if !isSOA {
		d := in.changes[len(in.changes)-1]
		if d.to == nil {
			d.deleted = append(d.deleted, rr)
		} else {
			d.added = append(d.added, rr)
		}
		return nil
	}
	reached := in.here.Serial
	if n := len(in.changes); n > 0 {
		d := in.changes[n-1]
		if d.to == nil {
			if !zone.SerialLess(d.from.Serial, soa.Serial) {
				return fmt.Errorf("a change from serial %d to %d does not go up", d.from.Serial, soa.Serial)
			}
			d.to = soa
			return nil
		}
		reached = d.to.Serial
	}
	switch {
	case soa.Serial != reached:
		return fmt.Errorf("a change begins at serial %d, and the one before it ended at %d", soa.Serial, reached)
	case soa.Serial == in.first.Serial:
		return in.close(soa)
	}
	in.changes = append(in.changes, &delta{from: soa})
	return nil
}

// patch gives z with the changes made, strictly: what is deleted must be there, and what is added must not. TTLs are not
// compared, since a zone evens out those within an RRset.
func patch(z *zone.Zone, changes history) (*zone.Zone, error) {
	p := patching{touched: map[string]bool{}, at: map[string]int{}}
	for _, d := range changes {
		for _, rrs := range [][]dns.RR{d.deleted, d.added} {
			for _, rr := range rrs {
				p.touched[dns.CanonicalName(rr.Header().Name)] = true
			}
		}
	}
	first := true
	for rr := range z.Transfer() {
		if rr.Header().Rrtype == dns.TypeSOA {
			if first {
				p.rrs, first = append(p.rrs, changes[len(changes)-1].to), false
			}
			continue
		}
		if err := p.keep(rr); err != nil {
			return nil, err
		}
	}
	for _, d := range changes {
		if err := p.apply(d); err != nil {
			return nil, fmt.Errorf("the change to serial %d: %w", d.to.Serial, err)
		}
	}
	rrs := p.rrs[:0]
	for _, rr := range p.rrs {
		if rr != nil {
			rrs = append(rrs, rr)
		}
	}
	return zone.New(z.Origin(), rrs)
}

// patching is a zone taken apart.
type patching struct {
	rrs     []dns.RR        // nil where one has been deleted
	touched map[string]bool // the names that the changes are about; only there is anything looked up
	at      map[string]int
}

func (p *patching) keep(rr dns.RR) error {
	if p.touched[dns.CanonicalName(rr.Header().Name)] {
		key, err := loosely(rr)
		if err != nil {
			return err
		}
		p.at[key] = len(p.rrs)
	}
	p.rrs = append(p.rrs, rr)
	return nil
}

var errUnpatched = errors.New("the copy here is not what the changes start from")

func (p *patching) apply(d *delta) error {
	for _, rr := range d.deleted {
		key, err := loosely(rr)
		if err != nil {
			return err
		}
		i, there := p.at[key]
		if !there {
			return fmt.Errorf("it deletes what is not there, %s: %w", rr, errUnpatched)
		}
		p.rrs[i] = nil
		delete(p.at, key)
	}
	for _, rr := range d.added {
		key, err := loosely(rr)
		if err != nil {
			return err
		}
		if _, there := p.at[key]; there {
			return fmt.Errorf("it adds what is there already, %s: %w", rr, errUnpatched)
		}
		p.at[key] = len(p.rrs)
		p.rrs = append(p.rrs, rr)
	}
	return nil
}
