package interop_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// like fails the test where a program's output lacks a pattern.
func like(t testing.TB, who, out, pattern string) {
	t.Helper()
	if !regexp.MustCompile("(?m)" + pattern).MatchString(out) {
		t.Errorf("%s: nothing like %q in:\n%s", who, pattern, out)
	}
}

// sights are the patterns to be found in what each program says of one name's A.
type sights struct {
	name                               string
	unbound, named, delv, chase, trace string
}

const (
	good   = `flags: qr rd ra ad;`
	plain  = `flags: qr rd ra;`
	broken = `status: SERVFAIL`
)

// hierarchy is a world, and what is to be seen of it.
type hierarchy struct {
	name, fault, calendar string
	ago                   time.Duration // how long ago the world began
	sights                []sights
	dnsviz                []string // complaints that there have to be, as words joined by " & "
	only                  string   // and what all of them have to be like
}

// hierarchies are the healthy world, in two makes, and one for each way in which DNSSEC breaks in the catalogue, the fault
// there from the beginning.
func hierarchies() []hierarchy {
	return []hierarchy{
		{
			name: "healthy",
			sights: []sights{
				{"www", good, good, `^; fully validated`, `^;; Chase successful`, `^\[T\] www\.solvethenetwork\.com\.`},
				{"portal", good, good, `^; fully validated`, ``, ``},
				{"nosuch", `NXDOMAIN[^$]*` + good, `NXDOMAIN[^$]*` + good, `negative response, fully validated`, `^;; Chase successful`, `^\[T\] Existence denied: nosuch`},
				{"_dmarc", good, good, `negative response, fully validated`, `^;; Chase successful`, `^\[T\] Existence denied: _dmarc`},
				{"any.apps", good, good, `^; fully validated`, `^;; Chase successful`, `^\[T\] any\.apps`},
			},
			only: `^$`,
		},
		{
			name: "healthy, other algorithms and NSEC3",
			calendar: signedBy("ns1.view.internal", "solvethenetwork.com.", 15) + signedBy("ns1.view.external", "solvethenetwork.com.", 15) +
				signedBy(`"a.gtld-servers.net"`, "com.", 14) + signedBy(`"b.gtld-servers.net"`, "com.", 14),
			sights: []sights{
				{"www", good, good, `^; fully validated`, `^;; Chase successful`, `^\[T\] www\.solvethenetwork\.com\.`},
				{"nosuch", `NXDOMAIN[^$]*` + good, `NXDOMAIN[^$]*` + good, `negative response, fully validated`, ``, `^\[T\] Existence denied: nosuch`},
				{"_dmarc", good, good, `negative response, fully validated`, ``, `^\[T\] Existence denied: _dmarc`},
				{"any.apps", good, good, `^; fully validated`, ``, `^\[T\] any\.apps`},
			},
			only: `^$`,
		},
		{
			// The signatures ended an hour ago.
			name: "rrsig-expired", fault: "resigning-stopped", calendar: "start = 2026-04-10T11:00:00Z", ago: 2 * time.Hour,
			sights: []sights{
				{"www", `EDE: 7 \(Signature Expired\)`, broken, `RRSIG has expired`, `first error was: DNSSEC signature has expired`, `^\[B\] solvethenetwork\.com\. \d+ IN DNSKEY`},
				{"nosuch", `EDE: 7 \(Signature Expired\)`, broken, `RRSIG has expired`, `first error was: DNSSEC signature has expired`, ``},
			},
			dnsviz: []string{"www & rrsig: error EXPIRATION_IN_PAST", "nosuch & rrsig: error EXPIRATION_IN_PAST", "DNSKEY & rrsig: error EXPIRATION_IN_PAST", "delegation: status BOGUS"},
			only:   `EXPIRATION_IN_PAST|EXPIRED|BOGUS|NO_SEP`,
		},
		{
			name: "ds-mismatch", fault: "key-roll-unannounced",
			sights: []sights{
				{"www", `EDE: (9|6) `, broken, `no valid (DS|signature)`, `Chase failed`, `^\[S\] www`},
				{"nosuch", `EDE: (9|6) `, broken, `no valid (DS|signature)`, `Chase failed`, ``},
			},
			dnsviz: []string{"delegation: error NO_SEP", "delegation: error MISSING_SEP_FOR_ALG", "delegation: status BOGUS", "delegation ds: status INDETERMINATE_NO_DNSKEY"},
			only:   `NO_SEP|MISSING_SEP_FOR_ALG|BOGUS|INDETERMINATE_NO_DNSKEY`,
		},
		{
			// No error: the zone is signed for nobody.
			name: "ds-missing", fault: "ds-missing",
			sights: []sights{
				{"www", `NOERROR[^$]*` + plain, `NOERROR[^$]*` + plain, `^; unsigned answer`, `Chase failed`, `^\[S\] www`},
				{"nosuch", `NXDOMAIN[^$]*` + plain, `NXDOMAIN[^$]*` + plain, `negative response, unsigned`, ``, ``},
			},
			dnsviz: []string{"delegation: status INSECURE", "www & answer: status INSECURE", "zone: status INSECURE"},
			only:   `INSECURE`,
		},
		{
			name: "nsec-broken", fault: "denial-broken",
			sights: []sights{
				{"www", good, good, `^; fully validated`, `^;; Chase successful`, `^\[T\] www`},
				{"nosuch", `EDE: (6|12) `, broken, `resolution failed`, `Chase failed`, `\[B\]|not covered`},
				{"any.apps", `EDE: (6|12) `, broken, `resolution failed`, ``, ``},
			},
			dnsviz: []string{"nosuch & nxdomain proof: error SNAME_NOT_COVERED", "nosuch & nxdomain: status BOGUS", "any.apps & wildcard_proof & error SNAME_NOT_COVERED"},
			only:   `SNAME_NOT_COVERED|NO_NSEC_MATCHING_SNAME|nxdomain proof: status INVALID|nodata proof: status INVALID|wildcard_proof \S+: status INVALID|(nxdomain|nodata): status BOGUS`,
		},
	}
}

// signedBy has a server sign a zone by another algorithm, with NSEC3.
func signedBy(where, zone string, algorithm int) string {
	return lines("[server.%s.zone.%q]\nsigned = { algorithm = %d, denial = \"nsec3\" }", where, zone, algorithm)
}

// A whole hierarchy of our servers on its own addresses, before real validators that are told nothing but the root's hints
// and keys: in a healthy world they are content, and in a broken one each says what it would in life. dnsviz finds nothing
// in the one, not so much as a warning, and names the right error in the others.
func TestHierarchy(t *testing.T) {
	t.Parallel()
	for _, h := range hierarchies() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			steps := ""
			if h.fault != "" {
				steps = lines("[[step]]\nat = \"0s\"\ninject = %q\nzone = \"solvethenetwork.com.\"", h.fault)
			}
			w := startWorld(t, steps, h.calendar, time.Now().Add(-h.ago))
			w.unbound()
			log := w.named()
			for _, s := range h.sights {
				name := s.name + ".solvethenetwork.com"
				like(t, "unbound", w.dig(unboundPort, name, "A"), s.unbound)
				like(t, "named", w.dig(namedPort, name, "A"), s.named)
				like(t, "delv", w.delv(name, "A"), s.delv)
				if s.chase != "" {
					like(t, "drill -S", w.chase(name, "A"), s.chase)
				}
				if s.trace != "" {
					like(t, "drill -TD", w.trace(name, "A"), s.trace)
				}
			}
			v := w.dnsviz()
			t.Logf("dnsviz: %d found secure; %d complaints:\n%s", v.secure, len(v.complaints), v)
			for _, words := range h.dnsviz {
				if !v.has(strings.Split(words, " & ")...) {
					t.Errorf("dnsviz does not say %q", words)
				}
			}
			for _, c := range v.complaints {
				if !regexp.MustCompile(h.only).MatchString(c) {
					t.Errorf("dnsviz says %s", c)
				}
			}
			if v.secure == 0 {
				t.Error("dnsviz found nothing secure: it had no trust anchor")
			}
			if t.Failed() {
				t.Logf("named:\n%s", log)
			}
		})
	}
}

// Inside and outside are told apart by the address that a real resolver asks from, and both are secure.
func TestViewsByAddress(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "", "", time.Now())
	for from, want := range map[string]string{outside: `\sA\s+203\.0\.113\.80$`, inside: `\sA\s+10\.0\.2\.50$`} {
		for _, server := range []string{"10.0.1.20", "203.0.113.53", "10.0.3.20", "198.51.100.53"} {
			like(t, from, w.run("dig", "-b", from, "@"+server, "api.solvethenetwork.com", "A", "+norec"), want)
			like(t, from, w.run("kdig", "-b", from, "@"+server, "api.solvethenetwork.com", "A", "+norec", "+tcp"), want)
		}
	}
}
