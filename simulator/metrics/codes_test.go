package metrics

import (
	"testing"

	"github.com/miekg/dns"
)

// reply is a packed reply.
func reply(t testing.TB, rcode int, edns func(*dns.OPT)) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion("www.example.com.", dns.TypeA)
	m.Response, m.Compress = true, true
	m.Rcode = rcode
	for _, text := range []string{"www.example.com. 60 IN CNAME web.example.com.", "web.example.com. 60 IN A 192.0.2.1"} {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	if edns != nil {
		m.SetEdns0(1232, true)
		edns(m.IsEdns0())
	}
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestCodes(t *testing.T) {
	t.Parallel()
	ede := func(codes ...uint16) func(*dns.OPT) {
		return func(o *dns.OPT) {
			o.Option = append(o.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: "6e7331"})
			for _, c := range codes {
				o.Option = append(o.Option, &dns.EDNS0_EDE{InfoCode: c, ExtraText: "why"})
			}
		}
	}
	whole := reply(t, dns.RcodeServerFailure, ede(7, 22))
	cases := []struct {
		name       string
		message    []byte
		rcode, ede int
	}{
		{"plain", reply(t, dns.RcodeSuccess, nil), 0, -1},
		{"EDNS without an error", reply(t, dns.RcodeNameError, ede()), 3, -1},
		{"two errors", whole, 2, 7},
		{"error 0", reply(t, dns.RcodeServerFailure, ede(0)), 2, 0},
		{"a code of 12 bits", reply(t, dns.RcodeBadVers, ede()), 16, -1},
		{"nothing", nil, -1, -1},
		{"cut in the header", whole[:11], -1, -1},
		{"cut in the question", whole[:20], -1, -1},
		{"cut in a record", whole[:50], -1, -1},
		{"cut in the options", whole[:len(whole)-1], -1, -1},
	}
	for _, c := range cases {
		if rcode, ede := codes(c.message); rcode != c.rcode || ede != c.ede {
			t.Errorf("%s: %d and %d, want %d and %d", c.name, rcode, ede, c.rcode, c.ede)
		}
	}
}

// Nobody can make up a label: what is not registered is one other.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	rcodes, edes := map[string]bool{}, map[string]bool{}
	for code := -1; code < 4096; code++ {
		rcodes[rcodeName(code)] = true
	}
	for code := -1; code < 65536; code++ {
		edes[edeName(code)] = true
	}
	if len(rcodes) > 30 || len(edes) > 50 || !rcodes["other"] || !rcodes["malformed"] || !edes["other"] || !edes[""] || !edes["7"] {
		t.Errorf("%d response codes, %d extended errors", len(rcodes), len(edes))
	}
}

// What another implementation reads, this one reads too, and it takes anything.
func FuzzCodes(f *testing.F) {
	f.Add(reply(f, dns.RcodeServerFailure, func(o *dns.OPT) { o.Option = append(o.Option, &dns.EDNS0_EDE{InfoCode: 7}) }))
	f.Add(reply(f, dns.RcodeBadVers, func(*dns.OPT) {}))
	f.Add(reply(f, dns.RcodeNameError, nil))
	f.Add([]byte{0, 0, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0})
	f.Fuzz(func(t *testing.T, message []byte) {
		rcode, ede := codes(message)
		if rcode < -1 || rcode > 4095 || ede < -1 || ede > 65535 {
			t.Fatalf("%d and %d", rcode, ede)
		}
		m := new(dns.Msg)
		if m.Unpack(message) != nil {
			return
		}
		want := -1
		opt := m.IsEdns0()
		if opt != nil {
			for _, o := range opt.Option {
				if e, ok := o.(*dns.EDNS0_EDE); ok && want < 0 {
					want = int(e.InfoCode)
				}
			}
		}
		if repacked, err := m.Pack(); err == nil && opt != nil && len(m.Extra) == 1 {
			// As packed anew, so that both read the same: a message may have more than its counts say.
			if rcode, ede := codes(repacked); rcode != m.Rcode || ede != want {
				t.Errorf("%d and %d, want %d and %d in %x", rcode, ede, m.Rcode, want, repacked)
			}
		}
	})
}
