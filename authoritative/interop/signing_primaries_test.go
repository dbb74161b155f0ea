package interop_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"faultzone/authoritative"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// Our secondary behind primaries that sign by themselves, with keys of their own and as they go along: what comes in by
// IXFR are signatures, denials and private types too. What we then serve verifies, and is what they serve.
func TestOurSecondaryBehindSigners(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text string) *server{
		"named, NSEC": func(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text string) *server {
			return namedSigner(t, at, notify, k, text, "")
		},
		"named, NSEC3": func(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text string) *server {
			return namedSigner(t, at, notify, k, text, "nsec3param iterations 0 optout no salt-length 8;")
		},
		"knotd, NSEC": func(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text string) *server {
			return knotSigner(t, at, notify, k, text, "off")
		},
		"knotd, NSEC3": func(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text string) *server {
			return knotSigner(t, at, notify, k, text, "on")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ourAddr, theirAddr, k := freePort(t), freePort(t), key("hmac-sha256")
			model := parseZone(t, contentText())
			s := start(t, theirAddr, ourAddr, k, text(t, model))
			o := serve(t, ourAddr, k, authoritative.Zone{Primaries: []authoritative.Primary{{Addr: theirAddr, Key: k.Name}}, Transfer: match(t, "key "+k.Name)})
			// named signs bit by bit, each with a serial: what is edited before it has come to an end it may leave half signed.
			signed := func() { eventually(t, "signing", func() error { return verified(t, o, s.at) }) }
			signed()
			for _, e := range tenEdits(t) {
				model = apply(t, model, e)
				nsupdate(t, s.at, &k, e.updates()+"send\n")
				if s.name == "knotd" {
					knotNotifies(t, s)
				}
				eventually(t, e.what, func() error { return hasContent(o, model) })
			}
			signed()
			eventually(t, "the same zone", func() error { // named may have one more version to come
				if d := zonesDiffer(t, o, s.at); d != "" {
					return errors.New(d)
				}
				return nil
			})
			t.Logf("%d questions", sameAnswers(t, name, o, s.at))
			file := writeFile(t, t.TempDir(), "zone", text(t, o.Zone("", origin)))
			run(t, "ldns-verify-zone", "-V", "1", file)
			increments := o.count(authoritative.EventTransfer, "incrementally")
			t.Logf("%d transfers, %d of them of changes", o.count(authoritative.EventTransfer), increments)
			if increments < 8 {
				t.Errorf("%d transfers of changes", increments)
			}
		})
	}
}

// verified tells whether ours is the primary's latest version and verifies.
func verified(t testing.TB, o *ours, primary netip.AddrPort) error {
	z := o.Zone("", origin)
	if z == nil || z.Serial() != servedSerial(primary) {
		return errors.New("the latest version is not there")
	}
	out, err := try(t, command(t, "dnssec-verify", "-q", "-z", "-o", strings.TrimSuffix(origin, "."), writeFile(t, t.TempDir(), "zone", text(t, z))))
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// hasContent compares our copy with the content, what the signer adds aside.
func hasContent(o *ours, model *zone.Zone) error {
	z := o.Zone("", origin)
	if z == nil {
		return errors.New("there is no zone")
	}
	content := func(z *zone.Zone) []string {
		var rrs []dns.RR
		for rr := range z.Unsigned().Transfer() {
			switch rr.Header().Rrtype {
			case dns.TypeSOA, dns.TypeDNSKEY, dns.TypeCDS, dns.TypeCDNSKEY, dns.TypeNSEC3PARAM, 65534:
			default:
				rrs = append(rrs, rr)
			}
		}
		return sortedRecords(rrs)
	}
	if d := difference(content(model), content(z)); d != "" {
		return errors.New(d)
	}
	for set := range z.RRsets() {
		if set.Type == dns.TypeSOA && len(set.Sigs) == 0 {
			return errors.New("it is not signed")
		}
	}
	return nil
}

func namedSigner(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text, denial string) *server {
	dir := t.TempDir()
	file := writeFile(t, dir, "zone.db", text)
	return named(t, dir, at, keyClause(k)+
		lines("dnssec-policy test { keys { ksk lifetime unlimited algorithm 13; zsk lifetime unlimited algorithm 13; }; %s };", denial)+
		lines("zone %q { type primary; file %q; check-integrity no; dnssec-policy test; key-directory %q; max-ixfr-ratio unlimited;", origin, file, dir)+
		lines("  allow-transfer { key %q; }; allow-update { key %q; };", k.Name, k.Name)+
		lines("  notify explicit; also-notify { %s port %d key %q; }; };", notify.Addr(), notify.Port(), k.Name))
}

func knotSigner(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text, nsec3 string) *server {
	dir := shortDir(t)
	writeFile(t, dir, "zone.db", text)
	writeFile(t, dir, "policy.conf", lines("policy:\n  - id: test\n    algorithm: ecdsap256sha256\n    nsec3: %s\n    nsec3-iterations: 0", nsec3))
	return knotd(t, dir, at, notify, k, "    notify: peer\n    serial-policy: increment\n    zonefile-load: whole\n    journal-content: changes\n    dnssec-signing: on\n    dnssec-policy: test\n")
}
