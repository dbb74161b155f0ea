package fault

import (
	"github.com/miekg/dns"

	"faultzone/authoritative/sign"
	"faultzone/scenarios"
)

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
			f := &signer{name: "denial-broken", zone: dns.CanonicalName(p.String("zone", "")), shows: denies}
			switch p.String("how", "wrong-span") {
			case "unsigned":
				f.defect = sign.DropSignatures(dns.TypeNSEC, dns.TypeNSEC3)
			case "missing":
				f.defect = sign.DropDenial()
			default:
				f.defect = sign.WrongSpan()
			}
			return f, nil
		},
	}
}

// denies tells a reply that says that something is not there. A referral to a signed zone denies nothing.
func denies(m *dns.Msg) bool {
	return m.Rcode == dns.RcodeNameError || m.Rcode == dns.RcodeSuccess && len(m.Answer) == 0 &&
		!records(m, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeDS })
}
