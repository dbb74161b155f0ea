package interop_test

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"

	"github.com/miekg/dns"
)

// nsupdate runs a script against a server, under a key unless that is nil, and fails the test where nsupdate does.
func nsupdate(t testing.TB, at netip.AddrPort, k *authoritative.TSIGKey, script string) {
	t.Helper()
	if out, err := tryUpdate(t, at, k, script); err != nil {
		t.Fatalf("nsupdate: %v\n%s\n%s", err, script, out)
	}
}

func tryUpdate(t testing.TB, at netip.AddrPort, k *authoritative.TSIGKey, script string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-t", "10"}
	if k != nil {
		args = append(args, "-k", writeFile(t, dir, "key.conf", keyClause(*k)))
	}
	script = lines("server %s %d\nzone %s", at.Addr(), at.Port(), origin) + script
	return try(t, command(t, "nsupdate", append(args, writeFile(t, dir, "script", script))...))
}

// answers are a name's records as the server gives them, and its rcode where there are none.
func answers(t testing.TB, o *ours, name string, rrtype uint16) string {
	t.Helper()
	r, err := ask(o.at, name+"."+origin, rrtype)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, rr := range r.Answer {
		if rr.Header().Rrtype == rrtype {
			list = append(list, rdata(rr))
		}
	}
	slices.Sort(list)
	if len(list) == 0 {
		return dns.RcodeToString[r.Rcode]
	}
	return strings.Join(list, ", ")
}

// nsupdate adds, changes and deletes records of a zone that we sign, with prerequisites, under each TSIG algorithm. It is
// told NOTAUTH, REFUSED, YXDOMAIN and their like where a standard says so, and the zone is then as it was.
func TestNsupdate(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"} {
		t.Run(hash, func(t *testing.T) {
			t.Parallel()
			tool(t, "nsupdate")
			k := key(hash)
			o := serve(t, freePort(t), k, authoritative.Zone{Data: parseZone(t, contentText()), Signing: signing(t, sign.Params{Denial: sign.NSEC3}),
				AllowUpdate: match(t, "key "+k.Name), Transfer: match(t, "key "+k.Name)})
			serial := o.serial(t)
			for _, c := range []struct{ what, script, name, want string }{
				{"adds", "update add added 60 A 192.0.2.1\nupdate add added 60 A 192.0.2.2", "added", "192.0.2.1, 192.0.2.2"},
				{"changes", "prereq yxrrset api A\nupdate delete api A\nupdate add api 60 A 192.0.2.3", "api", "192.0.2.3"},
				{"deletes a record", "update delete added A 192.0.2.1", "added", "192.0.2.2"},
				{"deletes a name", "prereq yxdomain added\nupdate delete added", "added", "NXDOMAIN"},
				{"adds where there is nothing", "prereq nxdomain fresh.and.deep\nprereq nxrrset www AAAA\nupdate add fresh.and.deep 60 A 192.0.2.4", "fresh.and.deep", "192.0.2.4"},
				{"needs a value", "prereq yxrrset fresh.and.deep A 192.0.2.4\nupdate delete fresh.and.deep A\nupdate add fresh.and.deep 60 A 192.0.2.5", "fresh.and.deep", "192.0.2.5"},
			} {
				nsupdate(t, o.at, &k, relative(c.script))
				if got := answers(t, o, c.name, dns.TypeA); got != c.want {
					t.Errorf("%s: %s is %s, want %s", c.what, c.name, got, c.want)
				}
				if serial++; o.serial(t) != serial {
					t.Errorf("%s: serial %d, want %d", c.what, o.serial(t), serial)
				}
			}
			wrong := k
			wrong.Secret = []byte("ffffffffffffffffffffffffffffffff")
			unknown := k
			unknown.Name = "nobody-knows-it."
			for _, c := range []struct {
				what   string
				key    *authoritative.TSIGKey
				script string
				says   string
			}{
				{"without a key", nil, "update add evil 60 A 192.0.2.66", "REFUSED"},
				{"with a wrong secret", &wrong, "update add evil 60 A 192.0.2.66", "BADSIG"},
				{"with an unknown key", &unknown, "update add evil 60 A 192.0.2.66", "BADKEY"},
				{"a name that must not exist", &k, "prereq nxdomain www\nupdate add evil 60 A 192.0.2.66", "YXDOMAIN"},
				{"a name that must", &k, "prereq yxdomain nowhere\nupdate add evil 60 A 192.0.2.66", "NXDOMAIN"},
				{"an RRset that must not", &k, "prereq nxrrset api A\nupdate add evil 60 A 192.0.2.66", "YXRRSET"},
				{"an RRset that must", &k, "prereq yxrrset www MX\nupdate add evil 60 A 192.0.2.66", "NXRRSET"},
				{"a value that must", &k, "prereq yxrrset api A 192.0.2.77\nupdate add evil 60 A 192.0.2.66", "NXRRSET"},
				{"outside of the zone", &k, "update add evil.example.org. 60 A 192.0.2.66", "NOTZONE"},
			} {
				out, err := tryUpdate(t, o.at, c.key, relative(c.script))
				if err == nil || !strings.Contains(out, c.says) {
					t.Errorf("%s: want %s, nsupdate says (%v)\n%s", c.what, c.says, err, out)
				}
			}
			if got := answers(t, o, "evil", dns.TypeA); got != "NXDOMAIN" || o.serial(t) != serial {
				t.Errorf("evil is %s, and the serial went from %d to %d", got, serial, o.serial(t))
			}
			file := writeFile(t, t.TempDir(), "zone", text(t, o.Zone("", origin)))
			run(t, "dnssec-verify", "-q", "-o", strings.TrimSuffix(origin, "."), filepath.Clean(file))
		})
	}
}

// relative is a script for nsupdate whose names are of the zone unless they end in a dot.
func relative(script string) string {
	var b strings.Builder
	for line := range strings.Lines(script) {
		f := strings.Fields(line)
		if !strings.HasSuffix(f[2], ".") {
			f[2] += "." + origin
		}
		b.WriteString(strings.Join(f, " ") + "\n")
	}
	return b.String() + "send\n"
}
