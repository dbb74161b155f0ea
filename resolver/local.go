package resolver

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/miekg/dns"
)

// LocalType is what becomes of a name in a local zone that has no local data for the question.
type LocalType uint8

const (
	// LocalStatic: NODATA where the name has data of other types or names below it, else NXDOMAIN.
	LocalStatic LocalType = iota
	// LocalTransparent: NODATA where the name has data of other types, else it is resolved as ever.
	LocalTransparent
	// LocalRedirect: the data of the zone's own name stands for all names below.
	LocalRedirect
	// LocalNoData: NODATA, whatever the name.
	LocalNoData
	// LocalNXDOMAIN: NXDOMAIN, even where there are names with data below.
	LocalNXDOMAIN
	// LocalRefuse: REFUSED.
	LocalRefuse
	// LocalTypeTransparent: the local data alone; every other question is resolved as ever, types of the same name too.
	LocalTypeTransparent
)

// LocalZone is a name with all below it that is answered here. The deepest one that a name is in counts.
type LocalZone struct {
	Name string
	Type LocalType
	// EDE goes with what is denied or refused, with Text: 15 (Blocked), 16 (Censored) or 17 (Filtered), say (RFC 8914
	// sections 4.16 to 4.18); 0: none. 4 (Forged Answer, section 4.5) goes with local data instead.
	EDE  uint16
	Text string
}

// localTTL is that of what has none of its own (RFC 6303 section 3).
const localTTL = 10800

// localData is all that is answered without asking anybody. It does not change.
type localData struct {
	zones map[string]*LocalZone        // by name, canonical
	names map[string]map[uint16]*local // by owner, then type; of names without data above such that have some, empty
}

// local is an RRset.
type local []dns.RR

func newLocalData(cfg *Config) (localData, error) {
	d := localData{zones: make(map[string]*LocalZone), names: make(map[string]map[uint16]*local)}
	var errs []error
	for i := range cfg.LocalZones {
		z := cfg.LocalZones[i]
		if _, ok := dns.IsDomainName(z.Name); !ok || z.Type > LocalTypeTransparent {
			errs = append(errs, fmt.Errorf("local zone %q: no domain name, or no type of zone", z.Name))
			continue
		}
		z.Name = dns.CanonicalName(z.Name)
		d.zones[z.Name] = &z
	}
	d.addSpecial(cfg)
	for _, rr := range cfg.Local {
		if rr == nil || rr.Header().Class != dns.ClassINET {
			errs = append(errs, fmt.Errorf("local data %v: want a record of class IN", rr))
			continue
		}
		name := d.add(rr)
		if d.zoneOf(name) == nil {
			d.zones[name] = &LocalZone{Name: name, Type: LocalTransparent}
		}
	}
	return d, errors.Join(errs...)
}

func (d *localData) add(rr dns.RR) (name string) {
	name = dns.CanonicalName(rr.Header().Name)
	for n := name; ; n = parent(n) {
		if d.names[n] == nil {
			d.names[n] = make(map[uint16]*local)
		}
		if n == "." {
			break
		}
	}
	sets := d.names[name]
	if sets[rr.Header().Rrtype] == nil {
		sets[rr.Header().Rrtype] = new(local)
	}
	set := sets[rr.Header().Rrtype]
	*set = append(*set, dns.Copy(rr))
	return name
}

// zoneOf is the deepest local zone that the name is in; nil: none.
func (d *localData) zoneOf(name string) *LocalZone {
	if len(d.zones) == 0 {
		return nil
	}
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		if z := d.zones[name[off:]]; z != nil {
			return z
		}
	}
	return d.zones["."]
}

// find is the RRset that a name has locally for the type, or its CNAME; for ANY, all of them.
func (d *localData) find(name string, qtype uint16) []dns.RR {
	sets := d.names[name]
	if set := sets[qtype]; set != nil {
		return *set
	}
	if qtype == dns.TypeANY {
		var all []dns.RR
		for _, t := range slices.Sorted(maps.Keys(sets)) {
			all = append(all, *sets[t]...)
		}
		return all
	}
	if set := sets[dns.TypeCNAME]; set != nil {
		return *set
	}
	return nil
}

// answerLocal answers from local data; ok false: the question is not for it.
func (r *Resolver) answerLocal(q *question) (a *reply, ok bool) {
	z := r.local.zoneOf(q.name)
	if z == nil {
		return nil, false
	}
	if a = r.local.answer(z, q); a == nil {
		return nil, false
	}
	r.tell(q.rec, func() Event {
		return Event{Kind: EventLocal, Query: q.String(), EDE: firstCode(a.ede), Text: "from local zone " + z.Name + ": " + a.line()}
	})
	return a, true
}

func (d *localData) answer(z *LocalZone, q *question) *reply {
	owner := q.name
	if z.Type == LocalRedirect {
		owner = z.Name
	}
	if rrs := d.find(owner, q.qtype); rrs != nil {
		a := &reply{authoritative: true, answer: ownedBy(rrs, q.name)}
		if z.EDE == dns.ExtendedErrorCodeForgedAnswer {
			a.ede = []dns.EDNS0_EDE{{InfoCode: z.EDE, ExtraText: z.Text}}
		}
		return a
	}
	if q.qtype == dns.TypeDS && q.name == z.Name {
		return nil // it belongs to the zone above (RFC 4035 section 3.1.4.1)
	}
	sets, exists := d.names[owner]
	a := &reply{authoritative: true}
	switch z.Type {
	case LocalTypeTransparent:
		return nil
	case LocalTransparent:
		if len(sets) == 0 {
			return nil
		}
	case LocalStatic:
		if !exists && q.name != z.Name {
			a.rcode = dns.RcodeNameError
		}
	case LocalNXDOMAIN:
		if len(sets) == 0 {
			a.rcode = dns.RcodeNameError
		}
	case LocalRefuse:
		a.rcode, a.authoritative = dns.RcodeRefused, false
	}
	if z.EDE != 0 && z.EDE != dns.ExtendedErrorCodeForgedAnswer {
		a.ede = []dns.EDNS0_EDE{{InfoCode: z.EDE, ExtraText: z.Text}}
	}
	switch soa := z.soa(); {
	case a.rcode == dns.RcodeRefused:
	case q.name == z.Name && q.qtype == dns.TypeSOA && a.rcode == dns.RcodeSuccess:
		a.answer = []dns.RR{soa}
	case d.find(z.Name, dns.TypeSOA) != nil:
		a.authority = d.find(z.Name, dns.TypeSOA)
	default:
		a.authority = []dns.RR{soa}
	}
	return a
}

// soa is the zone's, as RFC 6303 section 3 has it.
func (z *LocalZone) soa() dns.RR {
	return &dns.SOA{Hdr: dns.RR_Header{Name: z.Name, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: localTTL}, Ns: z.Name,
		Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: localTTL}
}

// ownedBy gives the records to another name.
func ownedBy(rrs []dns.RR, name string) []dns.RR {
	if dns.CanonicalName(rrs[0].Header().Name) == name {
		return rrs
	}
	list := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		list[i] = dns.Copy(rr)
		list[i].Header().Name = name
	}
	return list
}
