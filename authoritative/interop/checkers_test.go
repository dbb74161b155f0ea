package interop_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// The checkers accept our signed zones as they are served and transferred: each algorithm, with NSEC, NSEC3 and NSEC3 with
// opt-out, one key and two, CDS and ZONEMD.
func TestCheckersAcceptSignedZones(t *testing.T) {
	t.Parallel()
	name := strings.TrimSuffix(origin, ".")
	checkers := []struct {
		program string
		args    func(file string) []string
	}{
		{"dnssec-verify", func(f string) []string { return []string{"-q", "-o", name, f} }},
		{"ldns-verify-zone", func(f string) []string { return []string{"-V", "1", "-Z", f} }},
		{"kzonecheck", func(f string) []string { return []string{"-o", name, "-d", "on", f} }},
		{"named-checkzone", func(f string) []string { return []string{"-i", "local", "-k", "ignore", name, f} }},
	}
	for _, algorithm := range []uint8{dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519} {
		for denial, p := range map[string]sign.Params{
			"NSEC":            {Denial: sign.NSEC},
			"NSEC3":           {Denial: sign.NSEC3},
			"NSEC3 salted":    {Denial: sign.NSEC3, NSEC3: sign.NSEC3Params{Iterations: 5, Salt: []byte{0xab, 0xcd}}},
			"NSEC3 opted out": {Denial: sign.NSEC3, NSEC3: sign.NSEC3Params{OptOut: true}},
			"CSK":             {Denial: sign.NSEC},
		} {
			t.Run(fmt.Sprintf("%s/%s", dns.AlgorithmToString[algorithm], denial), func(t *testing.T) {
				t.Parallel()
				for _, c := range checkers {
					tool(t, c.program)
				}
				p.Keys = keyPair(t, algorithm)
				if denial == "CSK" {
					p.Keys = p.Keys[:1]
				}
				p.Announce = sign.Announce{Digests: []uint8{2, 4}, CDNSKEY: true}
				p.ZONEMD = []uint8{zone.DigestSHA384}
				k := key("hmac-sha256")
				o := serve(t, freePort(t), k, authoritative.Zone{Data: parseZone(t, contentText()), Signing: signing(t, p), Transfer: match(t, "key "+k.Name)})
				file := filepath.Join(t.TempDir(), "signed")
				writeFile(t, filepath.Dir(file), "signed", text(t, o.Zone("", origin)))
				for _, c := range checkers {
					args := c.args(file)
					if c.program == "dnssec-verify" && denial == "CSK" {
						args = append([]string{"-z"}, args...) // a key's SEP flag is not to limit what it signs
					}
					if out, err := try(t, command(t, c.program, args...)); err != nil {
						t.Errorf("%s: %v\n%s", c.program, err, out)
					}
				}
			})
		}
	}
}
