package interop_test

import (
	"net/netip"
	"testing"

	"faultzone/authoritative"
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
