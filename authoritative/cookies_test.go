package authoritative

import (
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestSipHash: the example of appendix A of "SipHash: a fast short-input PRF".
func TestSipHash(t *testing.T) {
	t.Parallel()
	var key [16]byte
	msg := make([]byte, 15)
	for i := range key {
		key[i] = byte(i)
	}
	for i := range msg {
		msg[i] = byte(i)
	}
	if got := sipHash(&key, msg); got != 0xa129ca6149be45e5 {
		t.Errorf("SipHash-2-4 is %016x", got)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCookieVectors: RFC 9018 appendix A.
func TestCookieVectors(t *testing.T) {
	t.Parallel()
	const secret, older, newer = "e5e973e5a6b2a43f48e7dc849e37bfcf", "dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962"
	for _, c := range []struct {
		name, client  string
		secrets       []string
		now           int64
		cookie, reply string
		valid         bool
	}{
		{"A.1 learning a new server cookie", "198.51.100.100", []string{secret}, 1559731985,
			"2464c4abcf10c957", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", false},
		{"A.2 the same client learning a renewed cookie", "198.51.100.100", []string{secret}, 1559734385,
			"2464c4abcf10c957010000005cf79f111f8130c3eee29480", "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", true},
		{"A.3 another client learning a renewed cookie", "203.0.113.203", []string{secret}, 1559734700,
			"fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", false},
		{"A.4 IPv6, and another secret", "2001:db8:220:1:59de:d0f4:8769:82b8", []string{newer, older}, 1559741961,
			"22681ab97d52c298010000005cf7c57926556bd0934c72f8", "22681ab97d52c298010000005cf7c609a6bb79d16625507a", true},
	} {
		var secrets [][]byte
		for _, s := range c.secrets {
			secrets = append(secrets, unhex(t, s))
		}
		jar, err := newCookieJar(Cookies{Secrets: secrets})
		if err != nil {
			t.Fatal(err)
		}
		got, valid := jar.answer(nil, unhex(t, c.cookie), netip.MustParseAddr(c.client), time.Unix(c.now, 0))
		if hex.EncodeToString(got) != c.reply || valid != c.valid {
			t.Errorf("%s: %x, valid %v; want %s, %v", c.name, got, valid, c.reply, c.valid)
		}
	}
}

// TestCookieAge: RFC 9018 section 4.3.
func TestCookieAge(t *testing.T) {
	t.Parallel()
	jar, _ := newCookieJar(Cookies{Secrets: [][]byte{make([]byte, 16)}})
	client := netip.MustParseAddr(clientAddr)
	cookie, _ := jar.answer(nil, []byte("clientck"), client, start)
	for age, want := range map[time.Duration]struct{ valid, same bool }{
		0: {true, true}, 1800 * time.Second: {true, true}, 1801 * time.Second: {true, false}, 3600 * time.Second: {true, false},
		3601 * time.Second: {false, false}, -300 * time.Second: {true, true}, -301 * time.Second: {false, false},
	} {
		got, valid := jar.answer(nil, cookie, client, start.Add(age))
		if valid != want.valid || (string(got) == string(cookie)) != want.same {
			t.Errorf("after %s: valid %v, the same %v", age, valid, string(got) == string(cookie))
		}
	}
	if _, valid := jar.answer(nil, cookie, netip.MustParseAddr("10.0.2.101"), start); valid {
		t.Error("another address's cookie is taken")
	}
}

func cookieServer(t testing.TB, c Cookies) *Server {
	l := newLab(t)
	return l.server(primaryAddr, Config{Cookies: c, NSID: []byte("ns1.ams"),
		Views: []View{{Zones: []Zone{{Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone)}}}}})
}

func withOption(m *dns.Msg, o dns.EDNS0) *dns.Msg {
	if m.IsEdns0() == nil {
		m.SetEdns0(1232, false)
	}
	opt := m.IsEdns0()
	opt.Option = append(opt.Option, o)
	return m
}

func cookieOf(m *dns.Msg) string {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if c, ok := o.(*dns.EDNS0_COOKIE); ok {
				return c.Cookie
			}
		}
	}
	return ""
}

func withCookie(m *dns.Msg, cookie string) *dns.Msg {
	return withOption(m, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
}

// TestCookies: RFC 7873 section 5.2, each case asked twice so that kept answers are tried too.
func TestCookies(t *testing.T) {
	t.Parallel()
	secret := [][]byte{[]byte("0123456789abcdef")}
	const mine = "0011223344556677"
	for _, c := range []struct {
		name    string
		cookies Cookies
	}{{"off", Cookies{}}, {"given", Cookies{Secrets: secret}}, {"required", Cookies{Secrets: secret, Require: true}}} {
		s := cookieServer(t, c.cookies)
		on, must := c.name != "off", c.name == "required"
		for range 2 {
			r := ask1(t, s, query("api.example.com.", dns.TypeA), from(clientAddr, "udp"))
			if r.Rcode != 0 || r.IsEdns0() != nil {
				t.Errorf("%s, no EDNS:\n%s", c.name, r)
			}
			r = ask1(t, s, withEDNS(query("api.example.com.", dns.TypeA), 1232, false), from(clientAddr, "udp"))
			if r.Rcode != 0 || cookieOf(r) != "" {
				t.Errorf("%s, no cookie:\n%s", c.name, r)
			}
			r = ask1(t, s, withCookie(query("api.example.com.", dns.TypeA), mine), from(clientAddr, "udp"))
			good := cookieOf(r)
			if (len(good) == 48) != on || must != (r.Rcode == dns.RcodeBadCookie) || must != (len(r.Answer) == 0) {
				t.Errorf("%s, the client's cookie alone:\n%s", c.name, r)
			}
			r = ask1(t, s, withCookie(query("api.example.com.", dns.TypeA), mine+"ffffffffffffffff"), from(clientAddr, "udp"))
			if must != (r.Rcode == dns.RcodeBadCookie) {
				t.Errorf("%s, a wrong cookie:\n%s", c.name, r)
			}
			r = ask1(t, s, withCookie(query("api.example.com.", dns.TypeA), mine), from(clientAddr, "tcp"))
			if r.Rcode != 0 || (cookieOf(r) != "") != on {
				t.Errorf("%s, over TCP:\n%s", c.name, r)
			}
			r = ask1(t, s, withCookie(query("api.example.com.", dns.TypeA), mine+"00"), from(clientAddr, "udp"))
			if on != (r.Rcode == dns.RcodeFormatError) {
				t.Errorf("%s, a cookie of 9 octets:\n%s", c.name, r)
			}
			if !on {
				continue
			}
			r = ask1(t, s, withCookie(query("api.example.com.", dns.TypeA), good), from(clientAddr, "udp"))
			if r.Rcode != 0 || cookieOf(r) != good || len(r.Answer) != 1 {
				t.Errorf("%s, the server's own cookie:\n%s", c.name, r)
			}
			// RFC 7873 section 5.4: a query for a cookie and nothing else.
			r = ask1(t, s, withCookie(&dns.Msg{MsgHdr: dns.MsgHdr{Id: 9}}, mine+good[16:]), from(clientAddr, "udp"))
			if r.Rcode != 0 || cookieOf(r) != good || len(r.Question) != 0 {
				t.Errorf("%s, no question:\n%s", c.name, r)
			}
		}
	}
}

// TestCookieConfig: what New refuses.
func TestCookieConfig(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, c := range []Cookies{{Require: true}, {Secrets: [][]byte{[]byte("short")}}} {
		if _, err := New(Config{Clock: l.clock, Cookies: c}); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// TestNSID: RFC 5001; the option comes to those who ask and to nobody else, also with an answer kept from another query.
func TestNSID(t *testing.T) {
	t.Parallel()
	s := cookieServer(t, Cookies{Secrets: [][]byte{make([]byte, 16)}})
	for range 2 {
		for _, name := range []string{"api.example.com.", "nothing.example.com.", "elsewhere.example."} {
			for _, want := range []string{"", hex.EncodeToString([]byte("ns1.ams"))} {
				q := withEDNS(query(name, dns.TypeA), 1232, true)
				if want != "" {
					withCookie(withOption(q, &dns.EDNS0_NSID{Code: dns.EDNS0NSID}), "0011223344556677")
				}
				r := ask1(t, s, q, from(clientAddr, "udp"))
				got := ""
				for _, o := range r.IsEdns0().Option {
					if n, ok := o.(*dns.EDNS0_NSID); ok {
						got = n.Nsid
					}
				}
				if got != want || (cookieOf(r) != "") != (want != "") {
					t.Errorf("%s: NSID %q, want %q; cookie %q", name, got, want, cookieOf(r))
				}
			}
		}
	}
}

// TestChaos: RFC 4892; REFUSED where nothing is configured.
func TestChaos(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	quiet := l.server("10.0.0.1", Config{})
	told := l.server("10.0.0.2", Config{Chaos: Chaos{Version: `one "two" \3`, Hostname: "ns1", ID: "ams"}})
	for name, want := range map[string]string{"version.bind.": `one \"two\" \\3`, "VERSION.server.": `one \"two\" \\3`, "hostname.bind.": "ns1", "id.server.": "ams", "authors.bind.": ""} {
		q := query(name, dns.TypeTXT)
		q.Question[0].Qclass = dns.ClassCHAOS
		wantRcode(t, ask1(t, quiet, q, from(clientAddr, "udp")), dns.RcodeRefused)
		r := ask1(t, told, q, from(clientAddr, "udp"))
		if want == "" {
			wantRcode(t, r, dns.RcodeRefused)
			continue
		}
		if len(r.Answer) != 1 || !r.Authoritative || r.Answer[0].(*dns.TXT).Txt[0] != want || r.Answer[0].Header().Class != dns.ClassCHAOS {
			t.Errorf("%s:\n%s", name, r)
		}
	}
}
