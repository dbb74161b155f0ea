package resolver

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// SpecialNames says which of the names that public servers know nothing of are answered here.
type SpecialNames uint8

const (
	// SpecialUsual: localhost. and the addresses' names that lead to it, invalid. and the reverse zones of private,
	// reserved and documentation addresses (RFC 6761, RFC 6303, RFC 7793), onion. (RFC 7686), home.arpa. (RFC 8375)
	// and resolver.arpa. (RFC 9462). Not test., though RFC 6761 section 6.2 has it here: tests delegate it. Unbound has
	// test. too; BIND has the reverse zones, home.arpa. and resolver.arpa. alone.
	SpecialUsual SpecialNames = iota
	// SpecialAll: those and test.
	SpecialAll
	// SpecialNone: none.
	SpecialNone
)

// specialZone is one of them. ptr are names below whose PTR is localhost.
type specialZone struct {
	name string
	kind LocalType
	ptr  string
}

func specialZones(which SpecialNames) []specialZone {
	if which == SpecialNone {
		return nil
	}
	zeros := strings.Repeat("0.", 31)
	list := []specialZone{
		{name: "localhost.", kind: LocalRedirect}, // RFC 6761 section 6.3
		{name: "invalid.", kind: LocalNXDOMAIN},   // section 6.4
		{name: "onion.", kind: LocalNXDOMAIN},
		{name: "home.arpa."},
		{name: "resolver.arpa.", kind: LocalNoData},
		// RFC 6303 section 4.2
		{name: "127.in-addr.arpa.", ptr: "1.0.0.127.in-addr.arpa."},
		{name: "0.in-addr.arpa."}, {name: "254.169.in-addr.arpa."}, {name: "2.0.192.in-addr.arpa."}, {name: "100.51.198.in-addr.arpa."},
		{name: "113.0.203.in-addr.arpa."}, {name: "255.255.255.255.in-addr.arpa."},
		// section 4.1
		{name: "10.in-addr.arpa."}, {name: "168.192.in-addr.arpa."},
		// sections 4.3 to 4.6
		{name: zeros + "0.ip6.arpa."}, {name: "1." + zeros + "ip6.arpa.", ptr: "1." + zeros + "ip6.arpa."},
		{name: "d.f.ip6.arpa."},
		{name: "8.e.f.ip6.arpa."}, {name: "9.e.f.ip6.arpa."}, {name: "a.e.f.ip6.arpa."}, {name: "b.e.f.ip6.arpa."},
		{name: "8.b.d.0.1.0.0.2.ip6.arpa."},
	}
	for i := 16; i < 32; i++ {
		list = append(list, specialZone{name: fmt.Sprintf("%d.172.in-addr.arpa.", i)})
	}
	for i := 64; i < 128; i++ { // RFC 7793
		list = append(list, specialZone{name: fmt.Sprintf("%d.100.in-addr.arpa.", i)})
	}
	if which == SpecialAll {
		list = append(list, specialZone{name: "test.", kind: LocalNXDOMAIN}) // RFC 6761 section 6.2
	}
	return list
}

// addSpecial adds the special names that nothing in the configuration speaks for.
func (d *localData) addSpecial(cfg *Config) {
	taken := map[string]bool{} // the names that something speaks for, and all above them
	take := func(name string) {
		for name = dns.CanonicalName(name); !taken[name]; name = parent(name) {
			taken[name] = true
		}
	}
	for _, f := range cfg.Forward {
		take(f.Zone)
	}
	for _, s := range cfg.Stub {
		take(s.Zone)
	}
	for _, rr := range cfg.TrustAnchors {
		take(rr.Header().Name)
	}
	for _, name := range cfg.NotSpecial {
		take(name)
	}
	for _, z := range specialZones(cfg.SpecialNames) {
		if d.zones[z.name] != nil || taken[z.name] {
			continue
		}
		d.zones[z.name] = &LocalZone{Name: z.name, Type: z.kind}
		head := dns.RR_Header{Name: z.name, Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: localTTL}
		if z.kind == LocalStatic { // RFC 6303 section 3
			d.add(&dns.NS{Hdr: head, Ns: z.name})
		}
		if z.ptr != "" {
			head.Name, head.Rrtype = z.ptr, dns.TypePTR
			d.add(&dns.PTR{Hdr: head, Ptr: "localhost."})
		}
		if z.name == "localhost." {
			head.Rrtype = dns.TypeA
			d.add(&dns.A{Hdr: head, A: []byte{127, 0, 0, 1}})
			head.Rrtype = dns.TypeAAAA
			d.add(&dns.AAAA{Hdr: head, AAAA: append(make([]byte, 15), 1)})
		}
	}
}
