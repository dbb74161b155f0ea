package fault

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"faultzone/authoritative/sign"
	"faultzone/scenarios"
)

// defect is one way for a signer to go wrong.
type defect struct {
	how, summary string
	make         func(types []uint16) sign.Alteration
}

// defects are the ways, in the order in which they are listed.
func defects() []defect {
	const year = 365 * 24 * time.Hour
	keys := func(a sign.Alteration) func([]uint16) sign.Alteration {
		return func([]uint16) sign.Alteration { return a }
	}
	return []defect{
		{"signatures-missing", "RRSIGs are left out", func(t []uint16) sign.Alteration { return sign.DropSignatures(t...) }},
		{"signatures-corrupt", "RRSIGs do not verify", func(t []uint16) sign.Alteration { return sign.CorruptSignature(t...) }},
		{"signatures-expired", "RRSIGs ended a year ago", func(t []uint16) sign.Alteration { return sign.ShiftValidity(-year, t...) }},
		{"signatures-early", "RRSIGs begin in a year", func(t []uint16) sign.Alteration { return sign.ShiftValidity(year, t...) }},
		{"signatures-backwards", "RRSIGs end before they begin", func(t []uint16) sign.Alteration { return sign.SwapValidity(t...) }},
		{"wrong-key-tag", "RRSIGs name a key that is not there", func(t []uint16) sign.Alteration { return sign.WrongKeyTag(t...) }},
		{"wrong-labels", "RRSIGs claim a wildcard", func(t []uint16) sign.Alteration { return sign.WrongLabels(t...) }},
		{"ksk-missing", "the key that the DS names is not published", keys(sign.DropKeys(sign.KSKs))},
		{"zsk-missing", "the key that signs the zone is not published", keys(sign.DropKeys(sign.ZSKs))},
		{"ksk-corrupt", "the KSK is published with wrong bits", keys(sign.CorruptKeys(sign.KSKs))},
		{"zsk-corrupt", "the ZSK is published with wrong bits", keys(sign.CorruptKeys(sign.ZSKs))},
		{"ksk-no-zone-key", "the KSK lacks the Zone Key flag", keys(sign.ClearZoneFlag(sign.KSKs))},
		{"zsk-no-zone-key", "the ZSK lacks the Zone Key flag", keys(sign.ClearZoneFlag(sign.ZSKs))},
	}
}

func signerBrokenSpec() Spec {
	var choices []string
	var text strings.Builder
	text.WriteString("The zone is signed with one defect, in every view and on every primary, and its records stay as they are. " +
		"Resolvers that validate find what they fetch from now on bogus; what they have cached stays good for its time. " +
		"Healing signs the zone properly at once. The ways: ")
	for i, d := range defects() {
		choices = append(choices, d.how)
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%s, %s", d.how, d.summary)
	}
	text.WriteString(".")
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "signer-broken",
			Summary: "a zone's signatures or keys come out wrong",
			Text:    text.String(),
			Params: []scenarios.ParamSpec{
				{Name: "zone", Kind: scenarios.ZoneName, Required: true, Summary: "the signed zone"},
				{Name: "how", Kind: scenarios.String, Required: true, Choices: choices, Summary: "the defect"},
				{Name: "types", Kind: scenarios.Strings, Default: "all", Summary: "the record types whose signatures are meant, such as [\"DNSKEY\"]"},
			},
		},
		New: func(p Params) (Fault, error) {
			var types []uint16
			for _, name := range p.Strings("types") {
				t, ok := dns.StringToType[strings.ToUpper(name)]
				if !ok {
					return nil, fmt.Errorf("signer-broken: types: %q is no record type", name)
				}
				types = append(types, t)
			}
			for _, d := range defects() {
				if d.how == p.String("how", "") {
					return &signer{name: "signer-broken", zone: dns.CanonicalName(p.String("zone", "")), defect: d.make(types),
						shows: func(m *dns.Msg) bool { return len(m.Answer) > 0 }}, nil
				}
			}
			return nil, fmt.Errorf("signer-broken: how: there is no defect %q; want one of %s", p.String("how", ""), strings.Join(choices, ", "))
		},
	}
}
