package main

import (
	"slices"
	"testing"
	"time"
)

// What people look at a name server with tells of the world's.
func TestExecStandIns(t *testing.T) {
	t.Parallel()
	enclosures(t)
	got := within(t, "solvethenetwork", "--", "sh", "-c", `resolvectl status | grep -A5 "DNS Servers"
systemctl status named; echo "exit $?"
journalctl -u named --since "1 hour ago" --no-pager
tail -100 /var/log/named/named.log | sed s/^/file:/
systemctl restart named; echo "exit $?"
systemctl is-active nothing; echo "exit $?"`)
	has(t, got.out, `^ +DNS Servers: 10\.0\.1\.10 10\.0\.1\.11$`)
	has(t, got.out, `^● named\.service - ns1 of the world solvethenetwork$`)
	has(t, got.out, `^ +Active: active \(running\) since .*UTC; \d+s ago\n.*10\.0\.1\.20 203\.0\.113\.53$`)
	has(t, got.out, `^exit 0$`)
	has(t, got.out, `^\w{3} \d\d \d\d:\d\d:\d\d ns1 named: transfer-out solvethenetwork\.com\./internal serial 2024040201`)
	has(t, got.out, `^file:\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d\.\d{3} transfer-out solvethenetwork\.com\./internal serial 2024040201`)
	has(t, got.out, `^exit 1$`)
	has(t, got.err, `stand-in, which knows status UNIT`)
	has(t, got.out, `^inactive\nexit 3$`)
}

// A dead server is dead for its machine too, from the moment on at which it died; a stuck one is not.
func TestExecStandInsOfDeadServers(t *testing.T) {
	t.Parallel()
	enclosures(t)
	got := within(t, "zone-expiry", "--at", "7d1h5m", "--", "sh", "-c",
		`systemctl status named; echo "exit $?"; journalctl -u named --since "10 minutes ago" --no-pager; systemctl is-active named`)
	has(t, got.out, `^○ named\.service - ns1 of the world zone-expiry\n +Active: inactive \(dead\) since .*; \S+ ago$`)
	has(t, got.out, `^exit 3$`)
	has(t, got.out, `^\w{3} \d\d \d\d:\d\d:\d\d ns1 systemd: named\.service: Main process exited\.\ninactive$`)
	has(t, got.out, `notify-failed solvethenetwork\.com\./internal serial 2024040202`)
	got = within(t, "stub-listener-down", "--as", "app-01", "--at", "5m", "--", "sh", "-c", `systemctl status systemd-resolved; echo "exit $?"; resolvectl status`)
	has(t, got.out+got.err, `inactive \(dead\)`)
	has(t, got.err, `Failed to get global data`)
}

func TestMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"1 hour ago":          now.Add(-time.Hour),
		"90 minutes ago":      now.Add(-90 * time.Minute),
		"2 days ago":          now.Add(-48 * time.Hour),
		"2026-04-01 10:00:00": time.Date(2026, 4, 1, 10, 0, 0, 0, time.UTC),
	} {
		if got, ok := moment(text, now); !ok || !got.Equal(want) {
			t.Errorf("%q is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "soon", "1 hour", "-1 hours ago", "1 parsec ago", "99999999 weeks ago"} {
		if got, ok := moment(text, now); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzReadResolvConf(f *testing.F) {
	f.Add("nameserver 10.0.1.10\nnameserver 10.0.1.11\nsearch a b\noptions rotate\n")
	f.Fuzz(func(t *testing.T, text string) {
		servers, search := readResolvConf(text)
		if slices.Contains(servers, "") || slices.Contains(search, "") {
			t.Errorf("%q: %q %q", text, servers, search)
		}
	})
}
