package simulator

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"
	"faultzone/scenarios"
)

// zoneBook knows every zone of the world: its data, its keys, and which zone is above which.
type zoneBook struct {
	seed    uint64
	origins []string // each once, in the order of the scenario
	signed  map[string]*scenarios.DNSSEC
	noDS    map[string]bool
	records map[string][]dns.RR        // by file and text: parsed once
	loaded  map[string]*zone.Zone      // the same with the DS records in
	mu      sync.Mutex                 // over keyring
	keyring map[string][]*sign.Key     // by origin and generation
	memos   map[string]*sign.Memo      // by origin: views of a zone share signatures
	masters map[string]*scenarios.Zone // by origin: the last view that has its data
}

// dsTTL is what a registry gives the DS records that it is handed.
const dsTTL = 86400

func newZoneBook(s *scenarios.World, seed uint64) (*zoneBook, error) {
	b := &zoneBook{seed: seed, signed: map[string]*scenarios.DNSSEC{}, noDS: map[string]bool{},
		records: map[string][]dns.RR{}, loaded: map[string]*zone.Zone{}, keyring: map[string][]*sign.Key{},
		memos: map[string]*sign.Memo{}, masters: map[string]*scenarios.Zone{}}
	for _, server := range s.Servers {
		for _, view := range server.Views {
			for i := range view.Zones {
				if err := b.enter(&view.Zones[i]); err != nil {
					return nil, fmt.Errorf("%s, view %s: %w", server.Name, view.Name, err)
				}
			}
		}
	}
	return b, nil
}

func (b *zoneBook) enter(z *scenarios.Zone) error {
	if !slices.Contains(b.origins, z.Origin) {
		b.origins = append(b.origins, z.Origin)
	}
	if len(z.Primaries) > 0 {
		return nil
	}
	b.masters[z.Origin] = z
	if z.DNSSEC != nil {
		b.signed[z.Origin] = z.DNSSEC
		if b.memos[z.Origin] == nil {
			b.memos[z.Origin] = new(sign.Memo)
		}
	}
	b.noDS[z.Origin] = b.noDS[z.Origin] || z.NoDS
	_, err := b.parse(z)
	return err
}

func (b *zoneBook) parse(z *scenarios.Zone) ([]dns.RR, error) {
	id := z.Origin + "\x00" + z.File + "\x00" + z.Data
	if rrs, ok := b.records[id]; ok {
		return rrs, nil
	}
	rrs, err := zone.Parse(strings.NewReader(z.Data), z.Origin, z.File)
	if err != nil {
		return nil, err
	}
	b.records[id] = rrs
	return rrs, nil
}

// load is a primary's zone, unsigned, with the DS of each signed child that it delegates to.
func (b *zoneBook) load(z *scenarios.Zone) (*zone.Zone, error) {
	id := z.Origin + "\x00" + z.File + "\x00" + z.Data
	if loaded := b.loaded[id]; loaded != nil {
		return loaded, nil
	}
	rrs, err := b.parse(z)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(rrs)
	if b.signed[z.Origin] != nil {
		for _, child := range b.children(z.Origin) {
			ds, err := b.delegationSigner(child, rrs)
			if err != nil {
				return nil, err
			}
			all = append(all, ds...)
		}
	}
	loaded, err := zone.New(z.Origin, all)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", z.File, err)
	}
	b.loaded[id] = loaded
	return loaded, nil
}

// delegationSigner is the DS RRset of a child that the records of its parent delegate to without a DS of their own.
func (b *zoneBook) delegationSigner(child string, parent []dns.RR) ([]dns.RR, error) {
	if b.signed[child] == nil || b.noDS[child] {
		return nil, nil
	}
	delegated := false
	for _, rr := range parent {
		if h := rr.Header(); dns.CanonicalName(h.Name) == child {
			if h.Rrtype == dns.TypeDS {
				return nil, nil
			}
			delegated = delegated || h.Rrtype == dns.TypeNS
		}
	}
	if !delegated {
		return nil, nil
	}
	return b.dsOf(child, 0)
}

// dsOf is the DS RRset for a zone's keys of a generation.
func (b *zoneBook) dsOf(origin string, generation int) ([]dns.RR, error) {
	keys, err := b.keys(origin, generation)
	if err != nil {
		return nil, err
	}
	var rrs []dns.RR
	for _, k := range keys {
		if k.KSK() {
			ds := k.DS(dns.SHA256)
			ds.Hdr.Ttl = dsTTL
			rrs = append(rrs, ds)
		}
	}
	return rrs, nil
}

// keys are a zone's KSK and ZSK, derived from the seed.
func (b *zoneBook) keys(origin string, generation int) ([]*sign.Key, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.derive(origin, generation)
}

// nextKeys are the keys of the first generation that nobody has asked for yet.
func (b *zoneBook) nextKeys(origin string) ([]*sign.Key, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	generation := 1
	for b.keyring[fmt.Sprintf("%s/%d", dns.CanonicalName(origin), generation)] != nil {
		generation++
	}
	return b.derive(origin, generation)
}

// derive is keys, with b.mu held.
func (b *zoneBook) derive(origin string, generation int) ([]*sign.Key, error) {
	origin = dns.CanonicalName(origin)
	how := b.signed[origin]
	if how == nil {
		return nil, fmt.Errorf("%s is not signed in this world", origin)
	}
	id := fmt.Sprintf("%s/%d", origin, generation)
	if keys := b.keyring[id]; keys != nil {
		return keys, nil
	}
	var keys, beside []*sign.Key // earlier generations may be published at the same time
	for earlier := range generation {
		more, err := b.derive(origin, earlier)
		if err != nil {
			return nil, err
		}
		beside = append(beside, more...)
	}
	for _, flags := range []uint16{dns.ZONE | dns.SEP, dns.ZONE} {
		label := fmt.Sprintf("generation %d", generation)
		k, err := sign.DeriveKey(origin, flags, how.Algorithm, secret(b.seed, "dnssec"), label, append(beside, keys...)...)
		if err != nil {
			return nil, fmt.Errorf("keys of %s: %w", origin, err)
		}
		keys = append(keys, k)
	}
	b.keyring[id] = keys
	return keys, nil
}

// signing is how a signed zone's primary is to sign it; nil for an unsigned one.
func (b *zoneBook) signing(origin string) (*sign.Params, error) {
	how := b.signed[origin]
	if how == nil {
		return nil, nil
	}
	keys, err := b.keys(origin, 0)
	if err != nil {
		return nil, err
	}
	p := &sign.Params{Keys: keys, Memo: b.memos[origin]}
	if how.Denial == "nsec3" {
		p.Denial = sign.NSEC3
	}
	return p, nil
}

// parent is the closest zone of the world above a zone.
func (b *zoneBook) parent(origin string) (string, error) {
	origin = dns.CanonicalName(origin)
	if p, ok := enclosing(b.origins, origin); ok {
		return p, nil
	}
	return "", fmt.Errorf("no zone of the world is above %s", origin)
}

// enclosing is the longest of the origins that a name is properly below.
func enclosing(origins []string, name string) (string, bool) {
	best, found := "", false
	for _, o := range origins {
		if o != name && dns.IsSubDomain(o, name) && (!found || dns.CountLabel(o) > dns.CountLabel(best)) {
			best, found = o, true
		}
	}
	return best, found
}

// children are the zones right below a zone.
func (b *zoneBook) children(origin string) []string {
	var list []string
	for _, o := range b.origins {
		if p, ok := enclosing(b.origins, o); ok && p == origin {
			list = append(list, o)
		}
	}
	return list
}

// hints are the root's NS records with the addresses of those servers.
func (b *zoneBook) hints() ([]dns.RR, error) {
	root := b.masters["."]
	if root == nil {
		return nil, fmt.Errorf("no server of the world is a primary of the root")
	}
	rrs, err := b.parse(root)
	if err != nil {
		return nil, err
	}
	var hints []dns.RR
	names := map[string]bool{}
	for _, rr := range rrs {
		if ns, ok := rr.(*dns.NS); ok && ns.Hdr.Name == "." {
			hints = append(hints, rr)
			names[dns.CanonicalName(ns.Ns)] = true
		}
	}
	return append(hints, b.addresses(names)...), nil
}

// addresses are the A and AAAA records that any zone has for the names, each once.
func (b *zoneBook) addresses(names map[string]bool) []dns.RR {
	var list []dns.RR
	for _, origin := range b.origins {
		z := b.masters[origin]
		if z == nil {
			continue
		}
		rrs, err := b.parse(z)
		if err != nil {
			continue // parsed when it was entered
		}
		for _, rr := range rrs {
			t := rr.Header().Rrtype
			if (t == dns.TypeA || t == dns.TypeAAAA) && names[dns.CanonicalName(rr.Header().Name)] &&
				!slices.ContainsFunc(list, func(have dns.RR) bool { return dns.IsDuplicate(have, rr) }) {
				list = append(list, rr)
			}
		}
	}
	return list
}

// Anchors are the root's trust anchors, as DS and as DNSKEY; none when the root is not signed.
func (w *World) Anchors() (ds, dnskey []dns.RR) {
	keys, err := w.zones.keys(".", 0)
	if err != nil {
		return nil, nil
	}
	ds, _ = w.zones.dsOf(".", 0)
	for _, k := range keys {
		if k.KSK() {
			dnskey = append(dnskey, k.DNSKEY)
		}
	}
	return ds, dnskey
}
