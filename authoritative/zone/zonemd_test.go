package zone_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// RFC 8976 appendices A.1 to A.3.
const (
	simpleDigest = `
example.      86400  IN  SOA     ns1 admin 2018031900 ( 1800 900 604800 86400 )
              86400  IN  NS      ns1
              86400  IN  NS      ns2
              86400  IN  ZONEMD  2018031900 1 1 ( c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3
                                 a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c )
ns1           3600   IN  A       203.0.113.63
ns2           3600   IN  AAAA    2001:db8::63
`
	complexDigest = `
example.      86400  IN  SOA     ns1 admin 2018031900 ( 1800 900 604800 86400 )
              86400  IN  NS      ns1
              86400  IN  NS      ns2
              86400  IN  ZONEMD  2018031900 1 1 ( a3b69bad980a3504e1cffcb0fd6397f93848071c93151f55
                                 2ae2f6b1711d4bd2d8b39808226d7b9db71e34b72077f8fe )
ns1           3600   IN  A       203.0.113.63
NS2           3600   IN  AAAA    2001:db8::63
occluded.sub  7200   IN  TXT     "I'm occluded but must be digested"
sub           7200   IN  NS      ns1
duplicate     300    IN  TXT     "I must be digested just once"
duplicate     300    IN  TXT     "I must be digested just once"
foo.test.     555    IN  TXT     "out-of-zone data must be excluded"
UPPERCASE     3600   IN  TXT     "canonicalize uppercase owner names"
*             777    IN  PTR     dont-forget-about-wildcards
mail          3600   IN  MX      20 MAIL1
mail          3600   IN  MX      10 Mail2.Example.
sortme        3600   IN  AAAA    2001:db8::5:61
sortme        3600   IN  AAAA    2001:db8::3:62
sortme        3600   IN  AAAA    2001:db8::4:63
sortme        3600   IN  AAAA    2001:db8::1:65
sortme        3600   IN  AAAA    2001:db8::2:64
non-apex      900    IN  ZONEMD  2018031900 1 1 ( 616c6c6f776564206275742069676e6f7265642e20616c6c
                                 6f776564206275742069676e6f7265642e20616c6c6f7765 )
`
	multipleDigests = `
example.      86400  IN  SOA     ns1 admin 2018031900 ( 1800 900 604800 86400 )
example.      86400  IN  NS      ns1.example.
example.      86400  IN  NS      ns2.example.
example.      86400  IN  ZONEMD  2018031900 1 1 ( 62e6cf51b02e54b9b5f967d547ce4313
                                 6792901f9f88e637493daaf401c92c279dd10f0edb1c56f8080211f8480ee306 )
example.      86400  IN  ZONEMD  2018031900 1 2 ( 08cfa1115c7b948c4163a901270395ea226a930cd2cbcf2f
                                 a9a5e6eb85f37c8a4e114d884e66f176eab121cb02db7d652e0cc4827e7a3204f166b47e5613fd27 )
example.      86400  IN  ZONEMD  2018031900 1 240 ( e2d523f654b9422a96c5a8f44607bbee )
example.      86400  IN  ZONEMD  2018031900 241 1 ( e1846540e33a9e4189792d18d5d131f605fc283eaaaaaaaa )
ns1.example.  3600   IN  A       203.0.113.63
ns2.example.  86400  IN  TXT     "This example has multiple digests"
ns2.example.  3600   IN  AAAA    2001:db8::63
`
)

func TestDigestsOfRFC8976(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		reasons []string
	}{
		"A.1": {simpleDigest, []string{"ZONEMD 2018031900 1 1: it is the zone's"}},
		"A.2": {complexDigest, []string{"ZONEMD 2018031900 1 1: it is the zone's"}},
		"A.3": {multipleDigests, []string{"ZONEMD 2018031900 1 1: it is the zone's", "ZONEMD 2018031900 1 2: it is the zone's",
			"ZONEMD 2018031900 1 240: hash algorithm 240 is not known", "ZONEMD 2018031900 241 1: scheme 241 is not known"}},
	} {
		check := zone.CheckDigest("Example", records(t, "example.", c.text))
		if check.Status != zone.DigestOK || !slices.Equal(check.Reasons, c.reasons) {
			t.Errorf("%s: %v %q", name, check.Status, check.Reasons)
		}
	}
	// As served: what is outside of the zone cannot get in.
	z := load(t, "example.", strings.ReplaceAll(complexDigest, "foo.test.", ";"))
	if check := z.CheckDigest(); check.Status != zone.DigestOK {
		t.Errorf("%v %q", check.Status, check.Reasons)
	}
}

func TestDigestCheckSaysWhy(t *testing.T) {
	t.Parallel()
	zonemd := func(rrs []dns.RR) *dns.ZONEMD {
		return rrs[slices.IndexFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeZONEMD })].(*dns.ZONEMD)
	}
	for _, c := range []struct {
		name   string
		change func([]dns.RR) []dns.RR
		status zone.DigestStatus
		why    string
	}{
		{"none", func(rrs []dns.RR) []dns.RR {
			return slices.DeleteFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeZONEMD })
		},
			zone.DigestAbsent, ""},
		{"a record changed", func(rrs []dns.RR) []dns.RR { rrs[len(rrs)-2].(*dns.A).A[3]++; return rrs },
			zone.DigestMismatch, "the zone's digest is "},
		{"a TTL changed", func(rrs []dns.RR) []dns.RR { rrs[len(rrs)-1].Header().Ttl++; return rrs },
			zone.DigestMismatch, "the zone's digest is "},
		{"the digest changed", func(rrs []dns.RR) []dns.RR { zonemd(rrs).Digest = strings.Repeat("0", 96); return rrs },
			zone.DigestMismatch, "the zone's digest is c68090d9"},
		{"cut short", func(rrs []dns.RR) []dns.RR { zonemd(rrs).Digest = zonemd(rrs).Digest[:24]; return rrs },
			zone.DigestMismatch, "the zone's digest is c68090d9"},
		{"serial", func(rrs []dns.RR) []dns.RR { zonemd(rrs).Serial--; return rrs },
			zone.DigestMismatch, "it is of serial 2018031899; the zone has 2018031900"},
		{"twice", func(rrs []dns.RR) []dns.RR {
			other := dns.Copy(zonemd(rrs)).(*dns.ZONEMD)
			other.Digest = strings.Repeat("0", 96)
			return append(rrs, other)
		}, zone.DigestMismatch, "there are 2 of this scheme and algorithm"},
		{"scheme", func(rrs []dns.RR) []dns.RR { zonemd(rrs).Scheme = 2; return rrs }, zone.DigestUnsupported, "scheme 2 is not known"},
		{"algorithm", func(rrs []dns.RR) []dns.RR { zonemd(rrs).Hash = 3; return rrs }, zone.DigestUnsupported, "algorithm 3 is not known"},
		{"no SOA", func(rrs []dns.RR) []dns.RR { return rrs[1:] }, zone.DigestMismatch, "there is no SOA"},
	} {
		check := zone.CheckDigest("example.", c.change(records(t, "example.", simpleDigest)))
		if check.Status != c.status || !strings.Contains(strings.Join(check.Reasons, "\n"), c.why) {
			t.Errorf("%s: %v %q", c.name, check.Status, check.Reasons)
		}
	}
	if _, err := zone.Digest("example.", slices.Values(records(t, "example.", simpleDigest)), 9); err == nil {
		t.Error("hash algorithm 9 was taken")
	}
}

// A digest of ours is one for ldns too, and a wrong one is not.
func TestDigestsOfLDNS(t *testing.T) {
	t.Parallel()
	tool := need(t, "ldns-verify-zone")
	dir := t.TempDir()
	for name, text := range map[string]string{"right": complexDigest, "wrong": strings.Replace(complexDigest, "2ae2f6b1", "2ae2f6b2", 1)} {
		file := filepath.Join(dir, name)
		rrs := slices.DeleteFunc(records(t, "example.", text), func(rr dns.RR) bool { return rr.Header().Name == "foo.test." })
		if err := os.WriteFile(file, []byte(plain(rrs)), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, "-Z", file).CombinedOutput()
		ours := zone.CheckDigest("example.", rrs).Status == zone.DigestOK
		if (err == nil) != ours || ours != (name == "right") {
			t.Errorf("%s: %v, we say %t\n%s", name, err, ours, out)
		}
	}
}

func plain(rrs []dns.RR) string {
	var b strings.Builder
	for _, rr := range rrs {
		b.WriteString(rr.String() + "\n")
	}
	return b.String()
}
