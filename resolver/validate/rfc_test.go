package validate

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Keys and signatures as RFC 6605 section 6 and RFC 8080 section 6.1 print them; those of RSA (RFC 5702's own are too
// short for today's libraries) were made once for this test.
func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, key, ds, data, sig, at string }{
		{"RFC 6605 6.1, P-256",
			"example.net. 3600 IN DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
			"example.net. 3600 IN DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17",
			"www.example.net. 3600 IN A 192.0.2.1",
			"www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 55648 example.net. qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
			"2010-09-09T10:04:39Z"},
		{"RFC 6605 6.2, P-384",
			"example.net. 3600 IN DNSKEY 257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
			"example.net. 3600 IN DS 10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6",
			"www.example.net. 3600 IN A 192.0.2.1",
			"www.example.net. 3600 IN RRSIG A 14 3 3600 20100909102025 20100812102025 10771 example.net. /L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm",
			"2010-09-09T10:20:25Z"},
		{"RFC 8080 6.1, first",
			"example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
			"example.com. 3600 IN DS 3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b",
			"example.com. 3600 IN MX 10 mail.example.com.",
			"example.com. 3600 IN RRSIG MX 15 2 3600 20150819220000 20150729220000 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
			"2015-07-29T22:00:00Z"},
		{"RFC 8080 6.1, second",
			"example.com. 3600 IN DNSKEY 257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=",
			"example.com. 3600 IN DS 35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c",
			"example.com. 3600 IN MX 10 mail.example.com.",
			"example.com. 3600 IN RRSIG MX 15 2 3600 20150819220000 20150729220000 35217 example.com. zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==",
			"2015-08-19T22:00:00Z"},
		{"RSA of 1024 bits, SHA-256",
			"example. 3600 IN DNSKEY 257 3 8 AwEAAZ3TMjWGVslFuJkgvY0CpCn2rsg2EHaHtFlitswI8Ijpmr7fPS8DJ3SPjACKi4JQkpltx2vwlGOqM5oSuocE1xpmk8wZ/oWAFuJfCvyqowTvVe+4f+Ou/7s4aNrNtbP7lBWjE/Qp+DkvDOkAImSQ9unV9KsizTUxnjDFwkFXqyYb",
			"", "www.example. 3600 IN A 192.0.2.1",
			"www.example. 3600 IN RRSIG A 8 2 3600 20260410120000 20260326120000 43781 example. iLUpgsaTZumtFFnMxdlT6ioDSh09H/GOcMkL6A1oCBlYUTeoYD7QX5XtEg2ytA1VNDM3RFojosOFOQxAJDLDSYjNd1B4iki4slVKH2duJ5HRWsk9PFb49iGF0aGMhzZ3KMVHog7iKo6PTZ+C/zQ6oViK5fjYq90HGmck8yL9L/Q=",
			"2026-04-02T09:00:00Z"},
		{"RSA of 2048 bits, SHA-256",
			"example. 3600 IN DNSKEY 257 3 8 AwEAAb38gCWtfaie6LXGIq20yOGSJDJizGbLyJwcVaAhX6hgqzsM0uStmEnan6sD7QjQqf5MPd30/4bZfnngKYmMckF0hJs82OdE7y/x9LHxrr5AqlwvJwjc2gaytTOvBnTR3kvE20lDHwbcLLyw5grVB7bKtoJzqYA009yhWVFoHs4m/CJt3fUaLJp+nZsD1vN9irKrLpaRQRjw06RfBChIM+DSvyRpGNDoTsV8fV5LZtmNOcwf7r08IeGdmdhA0Z8G8JvYSeUmGNrNdlGGZfrAKOjrtadB2/tl8lx6khRdoYszsjhTvcMpLvmCu5G11AlWAcRkEjkW5421pI3w6TrNOx8=",
			"", "www.example. 3600 IN A 192.0.2.1",
			"www.example. 3600 IN RRSIG A 8 2 3600 20260410120000 20260326120000 17897 example. c0CSG6opAU5rHEGJ3j3wuU5Qmo+/wfCarx2W1txLM91QyrlPxJFKYFtikcxuIzYyMJAj96pXXIjCxRDU440sas3pq+S8e00QfbnV6soYmlI3cWjN+P2wFmhmznz76uqaHUGSCvXR0jBSV2Zd4YrYdkwMKfBvRtALyA14YosUBN88IpOp/nBRFxtzaMAuS+eWWgOVCuvJZ8UCuPNdwYA0anSz0Rc2FQW0/BtpB7cmcsYw2ZKus2eEC0ZhOTaypx3YL9VJBCKLqr/Y5mpP4bQNpy5m7vqdYTfn8ry+lIkfFQDuqzgsbb6zAtwwC2EXMoeHaS7vDltpB/Eu8EHf4geyaA==",
			"2026-04-02T09:00:00Z"},
		{"RSA of 1024 bits, SHA-512",
			"example. 3600 IN DNSKEY 257 3 10 AwEAAaM9L+n6BNgsYsWqVFL1T2l0/3aqWTGgBRsbuEE91XyGNdl4gI/oW3Y8c8UoTE4S2H2E1cIKi5bfG6555ezz4dI+N2aQHLoGffgW5On9Inkde0Btr5c23jKkGJpexnXHukoKvED53f6E3GLCbdpDwNBnAutNT1DPifUKfDkhL0bd",
			"", "www.example. 3600 IN A 192.0.2.1",
			"www.example. 3600 IN RRSIG A 10 2 3600 20260410120000 20260326120000 60238 example. H3nsdZHtw9FWPVz6+scv4SLQIt6C2RlinM2SlPDbiN5lkzYHjRvUpzx97dUedt/2rt+h/+3DClCx4TNbpQhxqqHO+DY9ukZY1ee7RB7BeImKx3fllXUxPRuZhl5dxburwrr7Ols476UNqDIfEsNiSXffXZoRGqUcFgSvFYlLW2w=",
			"2026-04-02T09:00:00Z"},
	} {
		t.Run(x.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, x.at)
			if err != nil {
				t.Fatal(err)
			}
			key, sig := record[*dns.DNSKEY](t, x.key), record[*dns.RRSIG](t, x.sig)
			set := RRset{RRs: records(t, x.data), Sigs: []*dns.RRSIG{sig}}
			v := Signed(set, key.Hdr.Name, []dns.RR{key}, at, Policy{})
			check(t, v, Secure, 0)
			if want := time.Unix(int64(sig.Expiration), 0); !v.Until.Equal(want) {
				t.Errorf("good until %v, want %v", v.Until, want)
			}

			set.RRs[0].Header().Name = strings.ToUpper(set.RRs[0].Header().Name)
			check(t, Signed(set, key.Hdr.Name, []dns.RR{key}, at, Policy{}), Secure, 0)
			switch rr := set.RRs[0].(type) {
			case *dns.A:
				rr.A[3] ^= 1
			case *dns.MX:
				rr.Preference ^= 1
			}
			check(t, Signed(set, key.Hdr.Name, []dns.RR{key}, at, Policy{}), Bogus, 6, "does not match")

			if x.ds == "" {
				return
			}
			a, v := readAnchors(mustName(t, key.Hdr.Name), records(t, x.ds), false)
			if v.Status != Secure {
				t.Fatal(v)
			}
			c, _ := newChecker(key.Hdr.Name, []dns.RR{key}, at, Policy{})
			if !c.vouched(a)[0] {
				t.Error("the DS does not match the key")
			}
		})
	}
}

func mustName(t testing.TB, s string) name {
	t.Helper()
	n, ok := parseName(s)
	if !ok {
		t.Fatalf("%q is not a name", s)
	}
	return n
}

// RFC 4034 section 6.1 prints this order.
func TestCanonicalOrder(t *testing.T) {
	t.Parallel()
	order := []string{"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.", `\001.z.example.`,
		"*.z.example.", `\200.z.example.`}
	for i, a := range order {
		for j, b := range order {
			got := compare(mustName(t, a), mustName(t, b))
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s and %s compare as %d", a, b, got)
			}
		}
	}
}

// The signed data is the same as miekg/dns makes, for types with names in their RDATA (RFC 4034 section 6.2, RFC 6840
// section 5.1), in whatever case and order the records come.
func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	k := newKey(t, "example.", 257, dns.ED25519, 1)
	for _, lines := range [][]string{
		{"X.Example. 60 IN NS NS2.Example.", "x.example. 60 IN NS ns1.EXAMPLE.", "x.eXample. 60 IN NS ns2.example."},
		{"x.example. 60 IN SOA Ns.Example. Admin.Example. 1 2 3 4 5"},
		{"x.example. 60 IN MX 20 B.example.", "x.example. 60 IN MX 10 C.example."},
		{"x.example. 60 IN SRV 1 2 3 Target.Example."},
		{`x.example. 60 IN NAPTR 1 2 "U" "SIP+D2U" "!^.*$!Sip:X!" Replacement.Example.`},
		{"x.example. 60 IN PX 1 Map822.Example. MapX400.Example."},
		{"x.example. 60 IN RP Mbox.Example. Txt.Example."},
		{"x.example. 60 IN MINFO R.Example. E.Example."},
		{"x.example. 60 IN AFSDB 1 Host.Example."},
		{"x.example. 60 IN KX 1 Host.Example."},
		{"x.example. 60 IN RT 1 Host.Example."},
		{"x.example. 60 IN DNAME Target.Example."},
		{"x.example. 60 IN PTR Target.Example."},
		{"x.example. 60 IN NSEC Next.Example. A RRSIG NSEC"},
		{`x.example. 60 IN HINFO "PC" "Linux"`},
		{`x.example. 60 IN TXT "Upper" "Case"`, `x.example. 60 IN TXT "A"`},
		{`x.example. 60 IN SVCB 1 Svc.Example. alpn="h2"`},
		{`x.example. 60 IN TYPE731 \# 3 414243`},
		{"x.example. 60 IN AAAA fd00::2", "x.example. 60 IN AAAA fd00::1"},
	} {
		rrs := records(t, lines...)
		sig := k.sign(t, rrs)
		check(t, Signed(RRset{RRs: rrs, Sigs: []*dns.RRSIG{sig}}, "Example", dnskeys(k), now, Policy{}), Secure, 0)
	}
}
