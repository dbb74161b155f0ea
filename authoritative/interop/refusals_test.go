package interop_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"

	"github.com/miekg/dns"
)

// dig and kdig transfer the zone, whole and by changes, under the right key only, and say what a standard has them told
// without it.
func TestTransfersByHand(t *testing.T) {
	t.Parallel()
	tool(t, "dig")
	tool(t, "kdig")
	for _, hash := range []string{"hmac-sha1", "hmac-sha256", "hmac-sha512"} {
		t.Run(hash, func(t *testing.T) {
			t.Parallel()
			k := key(hash)
			o := serve(t, freePort(t), k, authoritative.Zone{Data: parseZone(t, contentText()), Signing: signing(t, sign.Params{Denial: sign.NSEC}), Transfer: match(t, "key "+k.Name)})
			first := o.serial(t)
			for _, e := range tenEdits(t)[:3] {
				if err := o.Edit("", origin, e.changes...); err != nil {
					t.Fatal(err)
				}
			}
			right := hash + ":" + k.Name + ":" + base64Secret(k)
			wrong := hash + ":" + k.Name + ":" + base64Secret(authoritative.TSIGKey{Secret: make([]byte, 32)})
			unknown := hash + ":nobody-knows-it.:" + base64Secret(k)
			ask := func(client, key string, question ...string) string {
				args := []string{"@" + o.at.Addr().String(), "-p", strconv.Itoa(int(o.at.Port()))}
				if key != "" {
					args = append(args, "-y", key)
				}
				out, _ := try(t, command(t, client, append(args, question...)...))
				return out
			}
			whole := []string{"example.com", "AXFR"}
			changes := []string{"example.com", fmt.Sprintf("IXFR=%d", first)}
			for _, client := range []string{"dig", "kdig"} {
				for what, question := range map[string][]string{"AXFR": whole, "IXFR": changes} {
					out := ask(client, right, question...)
					like(t, client+" "+what, out, `^example\.com\.\s+3600\s+IN\s+SOA\s.*\s`+fmt.Sprint(o.serial(t))+`\s`)
					like(t, client+" "+what, out, `^api\.example\.com\.\s+60\s+IN\s+A\s+10\.0\.2\.52$`)
					// Of what has gone only the changes tell; of what nobody has touched, only the whole.
					if gone := strings.Contains(out, "10.0.2.50"); gone != (what == "IXFR") {
						t.Errorf("%s %s: api's old address is there: %t", client, what, gone)
					}
					if untouched := strings.Contains(out, "10.0.2.71"); untouched != (what == "AXFR") {
						t.Errorf("%s %s: a.target is there: %t", client, what, untouched)
					}
				}
			}
			like(t, "dig, unsigned", ask("dig", "", whole...), `Transfer failed`)
			like(t, "kdig, unsigned", ask("kdig", "", whole...), `REFUSED`)
			like(t, "dig, wrong secret", ask("dig", wrong, whole...), `BADSIG|tsig verify failure`)
			like(t, "kdig, wrong secret", ask("kdig", wrong, whole...), `BADSIG|NOTAUTH|malformed|failed`)
			like(t, "dig, unknown key", ask("dig", unknown, whole...), `BADKEY|NOTAUTH|Transfer failed`)
			if n := o.count(authoritative.EventRefused); n != 2 {
				t.Errorf("%d transfers refused, want 2", n)
			}
			if n := o.count(authoritative.EventTSIG, "BADSIG"); n != 2 {
				t.Errorf("BADSIG %d times, want 2", n)
			}
			if n := o.count(authoritative.EventTSIG, "BADKEY"); n != 1 {
				t.Errorf("BADKEY %d times, want 1", n)
			}
		})
	}
}

// A dynamic update that a secondary is sent goes on to the primary, and its TSIG with it (RFC 2136 section 6, RFC 8945
// section 5.5): by named to our primary, and by our secondary to named.
func TestUpdatesAreForwarded(t *testing.T) {
	t.Parallel()
	tool(t, "named")
	tool(t, "nsupdate")
	update := func(t *testing.T, at netip.AddrPort, k authoritative.TSIGKey, o *ours, there netip.AddrPort, before uint32) {
		t.Helper()
		nsupdate(t, at, &k, relative("update add forwarded 60 A 192.0.2.9"))
		hasSerial(t, "the primary", there, before+1)
		hasSerial(t, "ours", o.at, before+1)
		if got := answers(t, o, "forwarded", dns.TypeA); got != "192.0.2.9" {
			t.Errorf("forwarded is %s", got)
		}
		wrong := k
		wrong.Secret = make([]byte, 32)
		if out, err := tryUpdate(t, at, &wrong, relative("update add evil 60 A 192.0.2.66")); err == nil {
			t.Errorf("under a wrong secret: %s", out)
		}
		if out, err := tryUpdate(t, at, nil, relative("update add evil 60 A 192.0.2.66")); err == nil || !strings.Contains(out, "REFUSED") {
			t.Errorf("without a key: %v, %s", err, out)
		}
		if got := answers(t, o, "evil", dns.TypeA); got != "NXDOMAIN" {
			t.Errorf("evil is %s", got)
		}
	}
	t.Run("by named to ours", func(t *testing.T) {
		t.Parallel()
		k, ourAddr, theirAddr := key("hmac-sha256"), freePort(t), freePort(t)
		o := serve(t, ourAddr, k, authoritative.Zone{Data: parseZone(t, contentText()), Signing: signing(t, sign.Params{}), Transfer: match(t, "key "+k.Name),
			AllowUpdate: match(t, "key "+k.Name), Notify: []authoritative.Primary{{Addr: theirAddr, Key: k.Name}}})
		s := named(t, t.TempDir(), theirAddr, keyClause(k)+
			lines("zone %q { type secondary; file \"zone.db\"; notify no; allow-update-forwarding { key %q; };", origin, k.Name)+
			lines("  primaries { %s port %d key %q; }; };", ourAddr.Addr(), ourAddr.Port(), k.Name))
		hasSerial(t, "named", s.at, o.serial(t))
		update(t, s.at, k, o, s.at, o.serial(t))
	})
	t.Run("by ours to named", func(t *testing.T) {
		t.Parallel()
		k, ourAddr, theirAddr := key("hmac-sha256"), freePort(t), freePort(t)
		s, _ := namedPrimary(t, theirAddr, ourAddr, k, text(t, parseZone(t, contentText())), false)
		o := serve(t, ourAddr, k, authoritative.Zone{Primaries: []authoritative.Primary{{Addr: theirAddr, Key: k.Name}}, AllowUpdate: match(t, "key "+k.Name)})
		serial := servedSerial(s.at)
		hasSerial(t, "ours", o.at, serial)
		update(t, o.at, k, o, s.at, serial)
	})
}
