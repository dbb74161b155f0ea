package validate

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/miekg/dns"
)

// FuzzProof puts every question to whatever NSEC and NSEC3 records a message can hold: no panic, and no verdict without
// a record to stand on.
func FuzzProof(f *testing.F) {
	seed := func(qname string, lines ...string) {
		m := new(dns.Msg)
		m.Ns = records(f, lines...)
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire, qname, dns.TypeA)
	}
	chain := chain5155(1)
	seed("ml.example.", soaRecord, nsecB, nsecApex)
	seed("a.z.w.example.", nsecXYW, nsecStarW)
	seed("a.c.x.w.example.", chain[hashApex], chain[hashXW], chain[hashA])
	seed("c.example.", chain[hashA], chain[hashApex])
	seed(`\000.\.x.example.`, `\000.x.example. 60 IN NSEC \255.x.example. TYPE65535`)
	f.Fuzz(func(t *testing.T, wire []byte, qname string, qtype uint16) {
		var m dns.Msg
		if m.Unpack(wire) != nil {
			return
		}
		q, ok := parseName(qname)
		if !ok {
			return
		}
		for _, zone := range []string{".", "example."} {
			c, _ := newChecker(zone, nil, now, Policy{})
			if !q.within(c.zone) {
				continue
			}
			d := proof{checker: c}
			for _, rr := range m.Ns {
				if owner, ok := parseName(rr.Header().Name); ok && owner.within(c.zone) {
					d.read(owner, rr)
				}
			}
			if d.usable(q).Status != Secure {
				continue
			}
			verdicts := []Verdict{d.nameError(q), d.noData(q, qtype), d.noDS(q), d.noCloserMatch(q, q.parent())}
			for _, v := range verdicts {
				if v.Status != Secure && v.Why == "" || v.Status == Indeterminate {
					t.Errorf("%+v", v)
				}
			}
		}
	})
}

// FuzzSigned validates whatever a message holds with whatever keys it holds: no panic, nothing changed, nothing Secure
// but what really was signed.
func FuzzSigned(f *testing.F) {
	k := newKey(f, "example.", 257, dns.ED25519, 1)
	pack := func(rrs ...dns.RR) []byte {
		m := new(dns.Msg)
		m.Answer = rrs
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		return wire
	}
	set := k.set(f, "www.example. 300 IN A 10.0.2.50", "www.example. 300 IN A 10.0.2.51")
	f.Add(pack(k.DNSKEY, set.RRs[0], set.RRs[1], set.Sigs[0]))
	naptr := k.set(f, `x.example. 60 IN NAPTR 1 2 "U" "SIP+D2U" "" .`)
	f.Add(pack(k.DNSKEY, naptr.RRs[0], naptr.Sigs[0]))
	f.Add(pack(records(f, "example. 1 IN DNSKEY 257 3 8 AA==", "example. 1 IN DNSKEY 257 3 13 AA==", "example. 1 IN DS 1 8 2 AA")...))
	f.Fuzz(func(t *testing.T, wire []byte) {
		var m, same dns.Msg
		if m.Unpack(wire) != nil || same.Unpack(wire) != nil || len(m.Answer) == 0 {
			return
		}
		var keys, ds []dns.RR
		var set RRset
		for _, rr := range m.Answer {
			switch rr := rr.(type) {
			case *dns.DNSKEY:
				keys = append(keys, rr)
			case *dns.DS:
				ds = append(ds, rr)
			case *dns.RRSIG:
				set.Sigs = append(set.Sigs, rr)
			default:
				set.RRs = append(set.RRs, rr)
			}
		}
		v := Signed(set, "example.", keys, now, Policy{})
		if (v.Status != Secure) != (v.Status == Bogus) || v.Status == Bogus && v.Why == "" {
			t.Errorf("%+v", v)
		}
		Revoked("example.", RRset{RRs: keys, Sigs: set.Sigs}, now, Policy{})
		Keys("example.", RRset{RRs: keys, Sigs: set.Sigs}, append(ds, keys...), now, Policy{})
		if !reflect.DeepEqual(m.Answer, same.Answer) {
			t.Errorf("the records were changed: %v, %v", m.Answer, same.Answer)
		}
	})
}

// FuzzPublicKey reads keys of every algorithm from any octets and tries a signature with them.
func FuzzPublicKey(f *testing.F) {
	f.Add(uint8(dns.RSASHA256), []byte{3, 1, 0, 1, 0xff, 0xff}, []byte{1})
	f.Add(uint8(dns.RSASHA512), []byte{0, 0, 1, 3, 0}, []byte{})
	f.Add(uint8(dns.RSASHA256), append([]byte{1, 3}, bytes.Repeat([]byte{0xff}, 128)...), bytes.Repeat([]byte{1}, 128))
	f.Add(uint8(dns.ECDSAP256SHA256), make([]byte, 64), make([]byte, 64))
	f.Add(uint8(dns.ECDSAP384SHA384), make([]byte, 96), make([]byte, 96))
	f.Add(uint8(dns.ED25519), make([]byte, 32), make([]byte, 64))
	f.Fuzz(func(t *testing.T, algorithm uint8, key, signature []byte) {
		if verify := publicKey(algorithm, key); verify != nil {
			verify([]byte("data"), signature)
		}
	})
}

// FuzzNames: the order is an order, and ancestors are what their labels say.
func FuzzNames(f *testing.F) {
	f.Add("a.example.", "Z.a.example.")
	f.Add(`\001.z.example.`, "*.z.example.")
	f.Add(".", "")
	f.Fuzz(func(t *testing.T, s, u string) {
		a, ok := parseName(s)
		b, also := parseName(u)
		if !ok || !also {
			return
		}
		if compare(a, b) != -compare(b, a) && (compare(a, b) < 0) == (compare(b, a) < 0) || (compare(a, b) == 0) != a.equal(b) {
			t.Errorf("%s and %s compare as %d and %d", a, b, compare(a, b), compare(b, a))
		}
		both := commonAncestor(a, b)
		if !a.within(both) || !b.within(both) || !both.equal(commonAncestor(b, a)) || both.labels() > min(a.labels(), b.labels()) {
			t.Errorf("%s and %s have the common ancestor %s", a, b, both)
		}
		if a.below(b) && (compare(a, b) <= 0 || !both.equal(b) || !a.lastLabels(b.labels()).equal(b)) {
			t.Errorf("%s is below %s", a, b)
		}
		if again, ok := parseName(a.String()); !ok || !again.equal(a) {
			t.Errorf("%s reads as %s", a, again)
		}
	})
}
