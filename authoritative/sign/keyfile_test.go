package sign_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// keyNames are the keys of testdata/keys, which dnssec-keygen of BIND 9.18 made.
func keyNames(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata/keys", pattern+".key"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no keys: %v", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".key")
	}
	return files
}

func imported(t testing.TB, pattern string) []*sign.Key {
	t.Helper()
	var keys []*sign.Key
	for _, name := range keyNames(t, pattern) {
		k, err := sign.ReadKey(os.DirFS("testdata/keys"), name)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

// What dnssec-keygen wrote goes out as it came in, to the byte, times included.
func TestKeyFilesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	names := keyNames(t, "K*")
	for _, name := range names {
		k, err := sign.ReadKey(os.DirFS("testdata/keys"), name+".private")
		if err != nil {
			t.Error(err)
			continue
		}
		files, err := k.Files()
		if err != nil {
			t.Error(err)
			continue
		}
		if files.Name != name {
			t.Errorf("%s is called %s", name, files.Name)
		}
		for ending, got := range map[string][]byte{".key": files.Public, ".private": files.Private} {
			want, err := os.ReadFile(filepath.Join("testdata/keys", name+ending))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s%s: got\n%s\nwant\n%s", name, ending, got, want)
			}
		}
	}
	for _, algorithm := range []string{"008", "013", "014", "015"} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "+"+algorithm+"+") }) {
			t.Errorf("no key of algorithm %s", algorithm)
		}
	}
}

// Derived keys and BIND's own signer: what we export, dnssec-signzone signs with, and ldns reads.
func TestExportedKeysSignWithBIND(t *testing.T) {
	t.Parallel()
	signzone, verify := need(t, "dnssec-signzone"), need(t, "dnssec-verify")
	from, _ := aroundToday(t)
	for _, algorithm := range []uint8{dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519} {
		dir := t.TempDir()
		for _, k := range pair(t, algorithm) {
			k.Times.Publish, k.Times.Activate = from, from
			files, err := k.Files()
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, files.Name+".key", files.Public)
			write(t, dir, files.Name+".private", files.Private)
		}
		write(t, dir, "zone", []byte(text(t, parsed(t, content))))
		cmd := exec.Command(signzone, "-S", "-o", "solvethenetwork.com", "-f", "signed", "zone")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("dnssec-signzone, algorithm %d: %v\n%s", algorithm, err, out)
		}
		if out, err := exec.Command(verify, "-o", "solvethenetwork.com", filepath.Join(dir, "signed")).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Fresh keys of the real program, so that another release's form is noticed.
func TestKeysOfTheInstalledBIND(t *testing.T) {
	t.Parallel()
	keygen := need(t, "dnssec-keygen")
	for _, args := range []string{"-a RSASHA256 -b 1024", "-a RSASHA512 -b 1024", "-a ECDSAP256SHA256 -f KSK", "-a ECDSAP384SHA384", "-a ED25519"} {
		dir := t.TempDir()
		out, err := exec.Command(keygen, append(strings.Fields("-q -K "+dir+" "+args), "example.com")...).Output()
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		name := strings.TrimSpace(string(out))
		k, err := sign.ReadKey(os.DirFS(dir), name)
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		if k.FileName() != name || k.Times.Created.IsZero() {
			t.Errorf("%s: %s, created %v", name, k.FileName(), k.Times.Created)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("testdata/keys", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	p256, ed, rsa := keyNames(t, "*+013+*")[0], keyNames(t, "*+015+*")[0], keyNames(t, "*+008+*")
	for _, c := range []struct{ public, private, want string }{
		{"", "", "no DNSKEY record"},
		{"a. A 1.2.3.4", "", "has a A"},
		{"a. DNSKEY 257 3 13 x", "", "not base64"},
		{read(p256+".key") + read(ed+".key"), "", "more than one"},
		{read(p256 + ".key"), read(ed + ".private"), `of algorithm "15", the DNSKEY of 13`},
		{read(rsa[0] + ".key"), read(rsa[1] + ".private"), "not that of the DNSKEY"},
		{read(ed + ".key"), strings.Replace(read(ed+".private"), "PrivateKey: ", "PrivateKey: AAAA", 1), "35 octets"},
		{read(ed + ".key"), strings.Replace(read(ed+".private"), "v1.3", "v2.0", 1), `format "v2.0"`},
		{read(ed + ".key"), read(ed+".private") + "Engine: cGtjczEx\n", "hardware module"},
		{read(ed + ".key"), read(ed+".private") + "Publish: soon\n", "second time"},
		{read(ed + ".key"), read(ed+".private") + "Revoke: soon\n", "not a time"},
		{read(ed + ".key"), read(ed+".private") + "what\n", "line 7"},
		{read(rsa[0] + ".key"), strings.Replace(read(rsa[0]+".private"), "PublicExponent: AQAB", "PublicExponent: AQAD", 1), "inconsistent"},
		{"a. DNSKEY 257 3 16 AAAA", "Private-key-format: v1.3\nAlgorithm: 16 (ED448)\nPrivateKey: AAAA\n", "algorithm 16 (ED448) cannot sign"},
	} {
		if _, err := sign.ParseKey([]byte(c.public), []byte(c.private)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
	if _, err := sign.ReadKey(fstest.MapFS{}, "Ka.+013+00001"); err == nil || !os.IsNotExist(err) && !strings.Contains(err.Error(), fs.ErrNotExist.Error()) {
		t.Errorf("a missing file: %v", err)
	}
	// The public file alone is a key that is published.
	k, err := sign.ReadKey(fstest.MapFS{"K.key": {Data: []byte(read(ed + ".key"))}}, "K")
	if err != nil || k.Signer != nil {
		t.Errorf("%v, %v", k, err)
	}
	if files, err := k.Files(); err != nil || files.Private != nil {
		t.Errorf("%v, %v", files, err)
	}
}

func FuzzParseKey(f *testing.F) {
	for _, name := range keyNames(f, "K*") {
		public, _ := os.ReadFile(filepath.Join("testdata/keys", name+".key"))
		private, _ := os.ReadFile(filepath.Join("testdata/keys", name+".private"))
		f.Add(public, private)
	}
	f.Fuzz(func(t *testing.T, public, private []byte) {
		k, err := sign.ParseKey(public, private)
		if err != nil {
			return
		}
		files, err := k.Files()
		if err != nil {
			t.Fatal(err)
		}
		again, err := sign.ParseKey(files.Public, files.Private)
		if err != nil || !dns.IsDuplicate(again.DNSKEY, k.DNSKEY) || (again.Signer == nil) != (k.Signer == nil) {
			t.Fatalf("%v\n%s", err, files.Public)
		}
	})
}

// dnssec-dsfromkey and ldns-key2ds agree on DS by digest 2 and 4 (RFC 4509, RFC 6605).
func TestDSOfOthers(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"dnssec-dsfromkey", "ldns-key2ds"} {
		t.Run(tool, func(t *testing.T) {
			path := need(t, tool)
			for i, name := range keyNames(t, "K*") {
				k := imported(t, "K*")[i]
				for digest, flag := range map[uint8][2]string{dns.SHA256: {"-2", "-2"}, dns.SHA384: {"-aSHA-384", "-4"}} {
					args := []string{flag[0], filepath.Join("testdata/keys", name)}
					if tool == "ldns-key2ds" {
						args = []string{"-n", "-f", flag[1], filepath.Join("testdata/keys", name+".key")}
					}
					out, err := exec.Command(path, args...).Output()
					if err != nil {
						t.Fatalf("%v: %v", args, err)
					}
					want, err := dns.NewRR(string(out))
					if err != nil {
						t.Fatal(err)
					}
					got := k.DS(digest)
					if w := want.(*dns.DS); !strings.EqualFold(got.Digest, w.Digest) || got.KeyTag != w.KeyTag || got.DigestType != w.DigestType {
						t.Errorf("%s: %v, not %v", name, got, w)
					}
				}
			}
		})
	}
}

// RFC 4509 section 2.3 and RFC 6605 section 6.2 have these keys with their DS.
func TestDSOfTheRFCs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key, want string
		digest    uint8
	}{
		{"dskey.example.com. 86400 IN DNSKEY 256 3 5 ( AQOeiiR0GOMYkDshWoSKz9Xz fwJr1AYtsmx3TGkJaNXVbfi/ 2pHm822aJ5iI9BMzNXxeYCmZ DRD99WYwYqUSdjMmmAphXdvx egXd/M5+X7OrzKBaMbCVdFLU Uh6DhweJBjEVv5f2wwjM9Xzc nOf+EPbtG9DMBmADjFDc2w/r ljwvFw== )",
			"60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A", dns.SHA256},
		{"example.net. 3600 IN DNSKEY 257 3 14 ( xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40 )",
			"10771 14 4 72D7B62976CE06438E9C0BF319013CF801F09ECC84B8D7E9495F27E305C6A9B0563A9B5F4D288405C3008A946DF983D6", dns.SHA384},
	} {
		rr, err := dns.NewRR(c.key)
		if err != nil {
			t.Fatal(err)
		}
		ds := (&sign.Key{DNSKEY: rr.(*dns.DNSKEY)}).DS(c.digest)
		if got := strings.ToUpper(fmt.Sprint(ds.KeyTag, " ", ds.Algorithm, " ", ds.DigestType, " ", ds.Digest)); got != c.want {
			t.Errorf("%s\n%s", got, c.want)
		}
	}
}

// Two derived keys of a zone never share a tag, not even revoked. Of so many some would.
func TestTagsDoNotCollide(t *testing.T) {
	t.Parallel()
	var keys []*sign.Key
	seen := map[uint16]bool{}
	moved := 0
	for i := range 600 {
		label := fmt.Sprint(i)
		k, err := sign.DeriveKey("example.", sign.FlagsZSK, dns.ED25519, []byte("seed"), label, keys...)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := sign.DeriveKey("example.", sign.FlagsZSK, dns.ED25519, []byte("seed"), label)
		if err != nil {
			t.Fatal(err)
		}
		if k.DNSKEY.PublicKey != alone.DNSKEY.PublicKey {
			moved++
		}
		revoked := *k.DNSKEY
		revoked.Flags |= dns.REVOKE
		for _, tag := range []uint16{k.DNSKEY.KeyTag(), revoked.KeyTag()} {
			if seen[tag] {
				t.Fatalf("tag %d is there twice", tag)
			}
			seen[tag] = true
		}
		keys = append(keys, k)
	}
	if moved == 0 {
		t.Error("no key had to move, so nothing was tested")
	}
}

// Imported keys of each algorithm sign, and every other implementation's checker takes the result.
func TestAlgorithmsEndToEnd(t *testing.T) {
	t.Parallel()
	from, to := aroundToday(t)
	for _, algorithm := range []string{"008", "013", "014", "015"} {
		for _, denial := range []sign.Denial{sign.NSEC, sign.NSEC3} {
			p := sign.Params{Keys: imported(t, "*+"+algorithm+"+*"), Inception: from, Expiration: to, Denial: denial,
				NSEC3:  sign.NSEC3Params{Salt: []byte{0xab, 0xcd}, Iterations: 5, OptOut: algorithm == "014"},
				ZONEMD: []uint8{zone.DigestSHA384, zone.DigestSHA512}, Announce: sign.Announce{Digests: []uint8{2, 4}, CDNSKEY: true}}
			z := signed(t, comZone(t), p)
			file := filepath.Join(t.TempDir(), "zone")
			write(t, filepath.Dir(file), "zone", []byte(text(t, z)))
			for tool, args := range map[string][]string{
				"dnssec-verify":    {"-z", "-o", "example.com", file},
				"ldns-verify-zone": {"-ZZ", "-V", "3", file},
				"kzonecheck":       {"-d", "on", "-o", "example.com", file},
				"named-checkzone":  {"-i", "local", "example.com", file},
			} {
				t.Run(fmt.Sprintf("%s/%v/%s", algorithm, denial, tool), func(t *testing.T) {
					if out, err := exec.Command(need(t, tool), args...).CombinedOutput(); err != nil {
						t.Errorf("%v\n%s", err, out)
					}
				})
			}
		}
	}
}

// comZone is content in another zone, that of the imported keys.
func comZone(t testing.TB) *zone.Zone {
	t.Helper()
	rrs, err := zone.Parse(strings.NewReader(strings.ReplaceAll(content, "solvethenetwork.com.", "example.com.")), "example.com.", "")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zone.New("example.com.", rrs)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
