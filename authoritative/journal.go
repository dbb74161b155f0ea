package authoritative

import (
	"slices"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// defaultJournal is how many records a zone's history holds where nobody says otherwise.
const defaultJournal = 100_000

// delta is what leads from one version of a zone to a later one: a difference sequence of RFC 1995 section 4. The SOA
// records are in from and to, and not among the others; their signatures are.
type delta struct {
	from, to       *dns.SOA
	deleted, added []dns.RR
}

// size is how many records the delta has on the wire.
func (d *delta) size() int { return len(d.deleted) + len(d.added) + 2 }

// history is a zone's recent past, the oldest change first; each begins where the one before it ended. It is never
// changed, only replaced by a longer one.
type history []*delta

// grown is the history after the zone has become next. It begins anew where the serial did not go up, since nobody could
// tell the versions apart then (RFC 1982 section 3.2), and forgets its oldest part when it has more than limit records.
func (hs history) grown(before, next *zone.Zone, limit int) history {
	if before == nil || !zone.SerialLess(before.Serial(), next.Serial()) || limit <= 0 {
		return nil
	}
	d := difference(before, next)
	total := d.size()
	keep := len(hs)
	for ; keep > 0 && total+hs[keep-1].size() <= limit; keep-- {
		total += hs[keep-1].size()
	}
	if total > limit {
		return nil
	}
	if keep == 0 {
		return append(hs, d) // only the newest history of a zone is ever added to, by one goroutine at a time
	}
	return append(slices.Clone(hs[keep:]), d)
}

// since returns what has changed since the version of that serial, or nil when the history does not reach back to it.
func (hs history) since(serial uint32) history {
	for i, d := range hs {
		if d.from.Serial == serial {
			return hs[i:]
		}
	}
	return nil
}

// difference compares two versions of a zone, their signatures and the case of their names included.
func difference(old, next *zone.Zone) *delta {
	d := &delta{from: old.SOA(), to: next.SOA()}
	for set := range old.RRsets() {
		now, _ := next.RRset(set.Name, set.Type)
		d.compare(set, now)
	}
	for set := range next.RRsets() {
		if _, there := old.RRset(set.Name, set.Type); !there {
			d.compare(zone.RRset{}, set)
		}
	}
	return d
}

// compare notes what distinguishes two versions of one RRset.
func (d *delta) compare(old, now zone.RRset) {
	if slices.Equal(old.RRs, now.RRs) && slices.Equal(old.Sigs, now.Sigs) { // the very same records
		return
	}
	before, after := flat(old), flat(now)
	d.deleted = appendMissing(d.deleted, before, after)
	d.added = appendMissing(d.added, after, before)
}

// flat is an RRset's records with their signatures, and without the SOA.
func flat(set zone.RRset) []dns.RR {
	var rrs []dns.RR
	if set.Type != dns.TypeSOA {
		rrs = append(rrs, set.RRs...)
	}
	for _, sig := range set.Sigs {
		rrs = append(rrs, sig)
	}
	return rrs
}

// appendMissing appends those of rrs that are not among others.
func appendMissing(list, rrs, others []dns.RR) []dns.RR {
	if len(rrs) == 0 {
		return list
	}
	known := make(map[string]bool, len(others))
	for _, rr := range others {
		known[exactly(rr)] = true
	}
	for _, rr := range rrs {
		if !known[exactly(rr)] {
			list = append(list, rr)
		}
	}
	return list
}

// condense makes one delta of a history, without what came and went on the way (RFC 1995 section 5).
func (hs history) condense() *delta {
	if len(hs) == 1 {
		return hs[0]
	}
	type fate struct {
		rr          dns.RR
		before, now bool
	}
	fates := map[string]*fate{}
	var order []*fate
	meet := func(rr dns.RR, added bool) {
		key := exactly(rr)
		f := fates[key]
		if f == nil {
			f = &fate{rr: rr, before: !added}
			fates[key] = f
			order = append(order, f)
		}
		f.now = added
	}
	for _, d := range hs {
		for _, rr := range d.deleted {
			meet(rr, false)
		}
		for _, rr := range d.added {
			meet(rr, true)
		}
	}
	net := &delta{from: hs[0].from, to: hs[len(hs)-1].to}
	for _, f := range order {
		switch {
		case f.before && !f.now:
			net.deleted = append(net.deleted, f.rr)
		case !f.before && f.now:
			net.added = append(net.added, f.rr)
		}
	}
	return net
}

// exactly is a record's wire form, in its own case and with its TTL.
func exactly(rr dns.RR) string {
	d := &detached{rr, *rr.Header()}
	buf := make([]byte, dns.Len(rr)+1)
	n, err := dns.PackRR(d, buf, 0, nil, false)
	if err != nil { // not of a zone's records, which have all been packed before
		return rr.String()
	}
	return string(buf[:n])
}

// loosely is what makes two records the same one in a zone: all but the TTL and the case of names (RFC 2181 section 5).
func loosely(rr dns.RR) (string, error) {
	b, _, err := zone.AppendCanonical(nil, rr, 0)
	return string(b), err
}

// detached is a record with a header of its own: dns.PackRR notes the length of the data in the header of what it packs,
// and records of a zone are shared.
type detached struct {
	dns.RR
	header dns.RR_Header
}

func (d *detached) Header() *dns.RR_Header { return &d.header }
