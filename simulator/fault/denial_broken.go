package fault

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"
	"faultzone/scenarios"
)

// denialBroken makes a zone's NSEC and NSEC3 records prove nothing.
type denialBroken struct {
	zone, how string
	undo      lifts
	*watch
}

func denialBrokenSpec() Spec {
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "denial-broken",
			Summary: "a zone's NSEC or NSEC3 chain does not prove what is not there",
			Text: "A signer gone wrong: with how = \"wrong-span\" every record's span ends right where it begins, so it covers no " +
				"name; with \"unsigned\" their signatures are left out; with \"missing\" the records themselves. Names that " +
				"exist are not touched; those that do not turn from NXDOMAIN into SERVFAIL at validating resolvers.",
			Params: []scenarios.ParamSpec{
				{Name: "zone", Kind: scenarios.ZoneName, Required: true, Summary: "the signed zone"},
				{Name: "how", Kind: scenarios.String, Default: "wrong-span", Choices: []string{"wrong-span", "unsigned", "missing"},
					Summary: "what is wrong with the records"},
			},
		},
		New: func(p Params) (Fault, error) {
			return &denialBroken{zone: dns.CanonicalName(p.String("zone", "")), how: p.String("how", "wrong-span")}, nil
		},
	}
}

// alter is the signer's defect.
func (f *denialBroken) alter(product sign.Product, rr dns.RR) []dns.RR {
	switch {
	case product == sign.ProductRRSIG && f.how == "unsigned":
		if covered := rr.(*dns.RRSIG).TypeCovered; covered == dns.TypeNSEC || covered == dns.TypeNSEC3 {
			return nil
		}
	case product == sign.ProductDenial && f.how == "missing":
		if rr.Header().Rrtype != dns.TypeNSEC3PARAM {
			return nil
		}
	case product == sign.ProductDenial && f.how == "wrong-span":
		switch rr := rr.(type) {
		case *dns.NSEC:
			// The span from a name to the very next one: \000 below it. A name that is too long for that proves nothing
			// by having no record at all.
			rr.NextDomain = `\000.` + strings.TrimPrefix(rr.Hdr.Name, ".")
			if _, ok := dns.IsDomainName(rr.NextDomain); !ok {
				return nil
			}
		case *dns.NSEC3:
			rr.NextDomain = nextHash(dns.SplitDomainName(rr.Hdr.Name)[0])
		}
	}
	return []dns.RR{rr}
}

// after is the signer's defect on top of another that it may have.
func (f *denialBroken) after(first func(sign.Product, dns.RR) []dns.RR) func(sign.Product, dns.RR) []dns.RR {
	if first == nil {
		return f.alter
	}
	return func(product sign.Product, rr dns.RR) []dns.RR {
		var rrs []dns.RR
		for _, rr := range first(product, rr) {
			rrs = append(rrs, f.alter(product, rr)...)
		}
		return rrs
	}
}

// nextHash is the hash, in base32hex, right after another.
func nextHash(h string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
	b := []byte(h)
	for i := len(b) - 1; i >= 0; i-- {
		c := b[i]
		if c >= 'a' {
			c -= 'a' - 'A'
		}
		for d := range len(digits) {
			if digits[d] == c {
				b[i] = digits[(d+1)%len(digits)]
				if d+1 < len(digits) {
					return string(b)
				}
				break
			}
		}
	}
	return string(b)
}

func (f *denialBroken) Inject(w World) error {
	var err error
	f.undo, err = resign(w, f.zone, func(r authoritative.Resigning) authoritative.Resigning {
		r.Alter = f.after(r.Alter)
		return r
	})
	if err != nil {
		return err
	}
	f.watch = watchReplies(w.Network(), "denial-broken", w.Servers(f.zone),
		func(m *dns.Msg, _ netip.Addr) bool {
			return m.IsEdns0() != nil && m.IsEdns0().Do() && len(m.Question) == 1 && dns.IsSubDomain(f.zone, m.Question[0].Name)
		},
		func(m *dns.Msg, _ netip.Addr) bool {
			// A referral to a signed zone denies nothing.
			return m.Rcode == dns.RcodeNameError || m.Rcode == dns.RcodeSuccess && len(m.Answer) == 0 &&
				!records(m, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeDS })
		})
	return nil
}

func (f *denialBroken) Heal() error {
	f.watch.end()
	return f.undo.all()
}
