package interop_test

import (
	"testing"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"
)

// Each real server as a secondary of ours: it takes the zone, hears of ten edits by our NOTIFY alone (the SOA's refresh is
// an hour), takes them as changes or as whole zones, and ends up with our zone record by record and our answers name by
// name. All of it under TSIG.
func TestSecondariesOfOurs(t *testing.T) {
	t.Parallel()
	modes := []struct {
		name  string
		whole bool
		hash  string
		how   sign.Params
	}{
		{"IXFR", false, "hmac-sha256", sign.Params{Denial: sign.NSEC, ZONEMD: []uint8{zone.DigestSHA384}}},
		{"AXFR", true, "hmac-sha512", sign.Params{Denial: sign.NSEC3, NSEC3: sign.NSEC3Params{Salt: []byte{0xab, 0xcd}}, ZONEMD: []uint8{zone.DigestSHA512}}},
	}
	for _, other := range others() {
		for _, mode := range modes {
			t.Run(other.name+"/"+mode.name, func(t *testing.T) {
				t.Parallel()
				tool(t, other.name)
				ourAddr, theirAddr, k := freePort(t), freePort(t), key(mode.hash)
				z := authoritative.Zone{Data: parseZone(t, contentText()), Signing: signing(t, mode.how), Transfer: match(t, "key "+k.Name),
					Notify: []authoritative.Primary{{Addr: theirAddr, Key: k.Name}}}
				if mode.whole {
					z.Journal = -1 // knotd can but ask for changes; it is then given the zone
				}
				o := serve(t, ourAddr, k, z)
				s := other.secondary(t, theirAddr, ourAddr, k, mode.whole)
				follow(t, other.name, o, s.at)
				t.Logf("%d questions", sameAnswers(t, other.name, o, s.at))

				increments, wholes := o.count(authoritative.EventTransferOut, "the changes from"), o.count(authoritative.EventTransferOut, "has gone out")
				t.Logf("%d transfers of changes and %d of the zone; %d NOTIFY acknowledged", increments, wholes, o.count(authoritative.EventNotifySent))
				// The test itself takes the zone 13 times, and larger changes than the zone itself go as the zone.
				if mode.whole && increments > 0 || !mode.whole && increments < 8 {
					t.Errorf("by %s: %d transfers of changes", mode.name, increments)
				}
				if n := o.count(authoritative.EventNotifySent); n < 12 {
					t.Errorf("%d acknowledged NOTIFYs of 12", n)
				}
				if n := o.count(authoritative.EventTSIG) + o.count(authoritative.EventRefused); n > 0 {
					t.Errorf("%d requests were refused", n)
				}
			})
		}
	}
}
