package iterate

import (
	"bytes"
	"encoding/hex"

	"github.com/miekg/dns"
)

const clientCookieLen = 8 // RFC 7873 section 4

// cookieOf is a message's COOKIE option (RFC 7873 section 4); nil: it has none, or one whose length cannot be.
func cookieOf(m *dns.Msg) []byte {
	opt := m.IsEdns0()
	if opt == nil {
		return nil
	}
	for _, o := range opt.Option {
		if c, ok := o.(*dns.EDNS0_COOKIE); ok {
			b, err := hex.DecodeString(c.Cookie)
			if err != nil || len(b) != clientCookieLen && (len(b) < 16 || len(b) > 40) {
				return nil
			}
			return b
		}
	}
	return nil
}

// ownCookie says whether a reply is to be heard (RFC 7873 section 5.3): it has our client cookie, or none from somebody
// who never sent any.
func (m *manner) ownCookie(reply []byte) bool {
	var r dns.Msg
	_ = r.Unpack(reply) // what was read until then counts; whoever hears the reply sees that it is broken
	cookie := cookieOf(&r)
	if cookie == nil {
		return len(m.cookie) == clientCookieLen || m.network == "tcp"
	}
	return bytes.Equal(cookie[:clientCookieLen], m.cookie[:clientCookieLen])
}

// keepCookie remembers the server's part of a cookie.
func (it *Iterator) keepCookie(t *target, cookie []byte) {
	if len(cookie) <= clientCookieLen {
		return
	}
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.at(t.addr, it.cfg.Clock.Now())
	s.serverCookie = bytes.Clone(cookie[clientCookieLen:])
}

// cookie is what is sent to the server: our cookie for it, and its own when that is known. A client cookie of chance,
// another for each server, is as good as one derived from addresses (RFC 7873 section 4.1, RFC 9018 section 3). The
// caller holds it.mu.
func (it *Iterator) cookie(s *server) []byte {
	if s.clientCookie == nil {
		s.clientCookie = make([]byte, clientCookieLen)
		for i, bits := 0, it.rand.Uint64(); i < clientCookieLen; i++ {
			s.clientCookie[i] = byte(bits >> (8 * i))
		}
	}
	return append(bytes.Clone(s.clientCookie), s.serverCookie...)
}
