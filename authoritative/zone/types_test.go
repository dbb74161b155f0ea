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

// everyType has one record at least of each type that a zone can hold and miekg/dns knows.
const everyType = `$TTL 3600
@          SOA        ns hostmaster 1 3600 900 604800 300
@          NS         ns
ns         A          192.0.2.1
ns         AAAA       2001:db8::1
md         MD         ns
mf         MF         ns
cname      CNAME      ns
mb         MB         ns
mg         MG         hostmaster
mr         MR         hostmaster
null       NULL       \# 3 010203
ptr        PTR        ns
hinfo      HINFO      "PDP 10" "ITS"
minfo      MINFO      hostmaster errors
mx         MX         10 ns
txt        TXT        "two; \"quoted\"" "strings \\ \007 and \200"
rp         RP         hostmaster txt
afsdb      AFSDB      1 ns
x25        X25        311061700956
isdn       ISDN       150862028003217 004
rt         RT         10 ns
nsap-ptr   NSAP-PTR   ns
sig        SIG        A 8 2 3600 20260410120000 20260326120000 12345 @ q83vEjQ=
key        KEY        256 3 8 AwEAAcdtjw==
px         PX         10 ns ns
gpos       GPOS       -32.6882 116.8652 10.0
loc        LOC        52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
eid        EID        E32C6F78163A9348
nimloc     NIMLOC     32251A030067
_a._tcp    SRV        0 1 9 ns
naptr      NAPTR      100 50 "s" "http+I2L+I2C+I2R" "" _http._tcp
kx         KX         10 ns
cert       CERT       PGP 0 0 q83vEjQ=
dname      DNAME      example.net.
apl        APL        1:192.168.32.0/21 !1:192.168.38.0/28 2:ff00::/8
secure     NS         ns
secure     DS         12345 13 2 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE9A1E5F1A6A5F6F0F6F0F6F0F
sshfp      SSHFP      4 2 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE9A1E5F1A6A5F6F0F6F0F6F0F
ipseckey   IPSECKEY   10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
ipseckey   IPSECKEY   10 3 2 ns AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
ns         RRSIG      A 13 2 3600 20260410120000 20260326120000 12345 @ q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kA==
ns         NSEC       @ A AAAA RRSIG NSEC
@          DNSKEY     257 3 15 qXyRfQ3ACTU306aPjN1k3WwrYV0wNWKYchRciu+yPu4=
dhcid      DHCID      AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA
_443._tcp  TLSA       3 1 1 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE9A1E5F1A6A5F6F0F6F0F6F0F
smimea     SMIMEA     3 1 1 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE9A1E5F1A6A5F6F0F6F0F6F0F
hip        HIP        2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e19WzK00+CI6zBCQTdtWsuxKbWIy87UOoJTwkUs7lBu+Upr1gsNrut79ryra+bSRGQb1slImA8YVJyuIDsj7kwzG7jnERNqnWxZ48AWkskmdHaVDP4BcelrTI3rMXdXF5D ns
ninfo      NINFO      "x"
rkey       RKEY       0 255 1 q83vEjQ=
talink     TALINK     ns hip
@          CDS        0 0 0 00
@          CDNSKEY    0 3 0 AA==
openpgp    OPENPGPKEY q83vEjRWeJA=
csync      CSYNC      66 3 A NS AAAA
@          ZONEMD     1 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c
svcb       SVCB       1 ns alpn="h2,h3" port=853 ipv4hint=192.0.2.1 key65333=ex1
https      HTTPS      0 ns
https2     HTTPS      1 . mandatory=alpn alpn=h2 no-default-alpn ech=q83vEjQ= ipv6hint=2001:db8::1
spf        SPF        "v=spf1 -all"
uinfo      UINFO      "x"
uid        UID        5
gid        GID        5
nid        NID        10 0014:4fff:ff20:ee64
l32        L32        10 10.1.2.0
l64        L64        10 2001:0db8:1140:1000
lp         LP         10 l32
eui48      EUI48      00-00-5e-00-53-2a
eui64      EUI64      00-00-5e-ef-10-00-00-2a
uri        URI        10 1 "ftp://ftp1.example.com/public"
caa        CAA        0 issue "ca.example.net; account=230123"
avc        AVC        "app-name:WOLFGANG"
amtrelay   AMTRELAY   10 0 1 203.0.113.15
amtrelay   AMTRELAY   10 1 3 ns
resinfo    RESINFO    qnamemin exterr=15,16,17
ta         TA         12345 13 2 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE9A1E5F1A6A5F6F0F6F0F6F0F
dlv        DLV        12345 13 2 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE9A1E5F1A6A5F6F0F6F0F6F0F
unknown    TYPE65280  \# 3 010203
empty      TYPE65281  \# 0
known      TYPE1      \# 4 c0000207
`

// notOfZones are types of messages only, and NXT and NSEC3PARAM, which have tests of their own reasons: miekg/dns cannot
// read NXT's text in BIND's form, and a zone with NSEC and NSEC3PARAM is being changed over.
var notOfZones = []string{"OPT", "NXNAME", "TKEY", "TSIG", "ANY", "NXT", "NSEC3PARAM"}

func TestEveryTypeRoundTrips(t *testing.T) {
	t.Parallel()
	z := load(t, "example.", everyType)
	var there []uint16
	for set := range z.RRsets() {
		there = append(there, set.Type)
		for range set.Sigs {
			there = append(there, dns.TypeRRSIG)
		}
	}
	for rrtype := range dns.TypeToRR {
		if !slices.Contains(there, rrtype) && !slices.Contains(notOfZones, dns.TypeToString[rrtype]) {
			t.Errorf("no %s was tested", dns.Type(rrtype))
		}
	}
	first := written(t, z)
	again := load(t, "example.", first)
	if second := written(t, again); second != first || !again.Same(z) {
		t.Errorf("first\n%s\nthen\n%s", first, second)
	}
	// BIND takes neither MD nor MF (RFC 973), nor a zone signed as in the last century.
	var kept []string
	for _, line := range strings.SplitAfter(first, "\n") {
		if f := strings.Fields(line); len(f) > 3 && !slices.Contains([]string{"MD", "MF", "SIG"}, f[3]) {
			kept = append(kept, line)
		}
	}
	first = strings.Join(kept, "")
	for _, tool := range []string{"named-checkzone", "kzonecheck"} {
		t.Run(tool, func(t *testing.T) {
			path := need(t, tool)
			file := filepath.Join(t.TempDir(), "zone")
			text := first
			if tool == "kzonecheck" { // does not know AMTRELAY; BIND refuses its generic form with a name
				text = strings.ReplaceAll(text, "amtrelay.", ";")
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			args := map[string][]string{"named-checkzone": {"-i", "none", "example", file},
				"kzonecheck": {"-v", "-d", "off", "-o", "example", file}}[tool]
			out, err := exec.Command(path, args...).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	// What BIND makes of the file is the zone still, but for four types whose text as BIND writes it (GPOS and X25 in
	// quotes, NID and L64 without leading zeros) miekg/dns does not read.
	t.Run("named-compilezone", func(t *testing.T) {
		var kept []string
		for _, line := range strings.SplitAfter(first, "\n") {
			if name, _, _ := strings.Cut(line, "."); !slices.Contains([]string{"gpos", "x25", "nid", "l64"}, name) {
				kept = append(kept, line)
			}
		}
		first := strings.Join(kept, "")
		z := load(t, "example.", first)
		file := filepath.Join(t.TempDir(), "zone")
		if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(need(t, "named-compilezone"), "-i", "none", "-s", "full", "-o", "-", "example", file).Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		theirs, err := zone.Load(strings.NewReader(string(out)), "example.", "compiled")
		if err != nil {
			t.Fatal(err)
		}
		if !theirs.Same(z) {
			t.Errorf("BIND's\n%s\nours\n%s", written(t, theirs), first)
		}
	})
}
