package resolver_test

import (
	"context"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"faultzone/resolver"
	"faultzone/simulator/clock"

	"github.com/miekg/dns"
)

// RFC 9018 appendix A: the cookie that it prints for a client that had none, and the one in the place of that when it is old.
func TestClientCookies9018(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		secret, client, sent, want string
		at                         int64
	}{
		{"e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", "2464c4abcf10c957", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559731985},
		{"e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
			"2464c4abcf10c957010000005cf7a871d4a564a1442aca77", 1559734385},
	} {
		w := newWorld(t)
		w.clock = clock.NewVirtual(time.Unix(x.at, 0))
		var secret resolver.CookieSecret
		_, err := hex.Decode(secret[:], []byte(x.secret))
		must(t, err)
		c := w.plainly(func(cfg *resolver.Config) { cfg.CookieSecret = &secret })
		q := query("localhost A")
		opt := q.IsEdns0()
		opt.Option = append(opt.Option, cookie(x.sent))
		m := c.r.Resolve(context.Background(), q, netip.MustParseAddr(x.client))
		if got := cookieOf(m); got != x.want || m.Rcode != dns.RcodeSuccess {
			t.Errorf("to %s: %s, want %s", x.sent, got, x.want)
		}
	}
}

// A cookie that holds comes back as it is; one that is another's, of another time or of no form of ours gets a new one; a
// length that cannot be is FORMERR (RFC 7873 section 5.2.2). Without a secret nobody hears of cookies.
func TestClientCookies7873(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := resolver.CookieSecret{1, 2, 3}
	c := w.plainly(func(cfg *resolver.Config) { cfg.CookieSecret = &secret })
	ask := func(c *client, sent, from string) *dns.Msg {
		q := query("localhost A")
		if sent != "" {
			opt := q.IsEdns0()
			opt.Option = append(opt.Option, cookie(sent))
		}
		return c.r.Resolve(context.Background(), q, netip.MustParseAddr(from))
	}
	const mine = "0102030405060708"
	first := cookieOf(ask(c, mine, "10.0.2.1"))
	if len(first) != 48 || first[:16] != mine {
		t.Fatalf("got %q", first)
	}
	w.advance(10 * time.Minute)
	if again := cookieOf(ask(c, first, "10.0.2.1")); again != first {
		t.Errorf("after 10 minutes: %s, then %s", first, again)
	}
	flipped := first[:47] + map[bool]string{true: "0", false: "1"}[first[47] != '0']
	for what, sent := range map[string]string{"another's part": flipped, "of another length": mine + "0000000000000000", "of another version": mine + "02" + first[18:]} {
		if got := cookieOf(ask(c, sent, "10.0.2.1")); got == sent || len(got) != 48 {
			t.Errorf("%s: %s", what, got)
		}
	}
	if got := cookieOf(ask(c, first, "10.0.2.2")); got == first {
		t.Error("another client's cookie is taken")
	}
	w.advance(25 * time.Minute)
	if got := cookieOf(ask(c, first, "10.0.2.1")); got == first {
		t.Error("it is not renewed after half an hour")
	}
	for _, sent := range []string{"01", mine + "00", mine + "000000000000000000000000000000000000000000000000000000000000000000"} {
		if m := ask(c, sent, "10.0.2.1"); m.Rcode != dns.RcodeFormatError {
			t.Errorf("%s: %s", sent, brief(m))
		}
	}
	if got := cookieOf(ask(c, "", "10.0.2.1")); got != "" {
		t.Errorf("sent to one who knows nothing of it: %s", got)
	}
	if m := ask(w.plainly(nil), mine, "10.0.2.1"); cookieOf(m) != "" || m.Rcode != dns.RcodeSuccess {
		t.Errorf("without a secret: %v", m)
	}
	// From wire to wire: no answer that was packed for another client.
	q := query("localhost A")
	q.IsEdns0().Option = append(q.IsEdns0().Option, cookie(mine))
	for _, addr := range []string{"10.0.2.1", "10.0.2.2"} {
		m := c.serveOne(packed(t, q), from(addr))
		if got := cookieOf(m); len(got) != 48 {
			t.Errorf("%s: %q", addr, got)
		}
	}
}
