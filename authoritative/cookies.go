package authoritative

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Cookies makes a server give DNS cookies (RFC 7873), in the form that all servers of one anycast address can share
// (RFC 9018). The zero value gives none, and passes over those of clients.
type Cookies struct {
	// Secrets are 16 octets each. The first makes cookies; the others are still believed, so that a new secret can be
	// put in front of an old one (RFC 7873 section 5.5, RFC 9018 section 5).
	Secrets [][]byte
	// Require answers a query over UDP that carries a cookie, but no valid one of this server's, with BADCOOKIE and a
	// good one (RFC 7873 section 5.2.3). Who sends no cookie at all is answered as ever.
	Require bool
}

const (
	clientCookie = 8  // octets, RFC 7873 section 4.1
	serverCookie = 16 // octets of version 1, RFC 9018 section 4

	// How old a cookie may be, how far ahead of the clock, and how old before a new one is given (RFC 9018 section 4.3).
	cookieLife  = 3600
	cookieAhead = 300
	cookieFresh = 1800
)

// cookieJar is Cookies made ready.
type cookieJar struct {
	secrets [][16]byte
	require bool
}

func newCookieJar(c Cookies) (*cookieJar, error) {
	if len(c.Secrets) == 0 {
		if c.Require {
			return nil, fmt.Errorf("Config.Cookies: Require is set, and there are no Secrets")
		}
		return nil, nil
	}
	jar := &cookieJar{require: c.Require}
	for i, s := range c.Secrets {
		if len(s) != 16 {
			return nil, fmt.Errorf("Config.Cookies: secret %d has %d octets; want 16", i+1, len(s))
		}
		jar.secrets = append(jar.secrets, [16]byte(s))
	}
	return jar, nil
}

// wellFormed tells whether an option's data has a length that a cookie may have (RFC 7873 section 5.2.2).
func wellFormed(cookie []byte) bool {
	return len(cookie) == clientCookie || len(cookie) >= clientCookie+8 && len(cookie) <= clientCookie+32
}

// answer appends to dst what goes back for a well-formed cookie, and tells whether its server part is one of ours: for
// this client, from this address, of these days.
func (j *cookieJar) answer(dst, cookie []byte, client netip.Addr, now time.Time) (_ []byte, valid bool) {
	seconds := uint32(now.Unix())
	if len(cookie) == clientCookie+serverCookie && cookie[clientCookie] == 1 {
		age := int32(seconds - binary.BigEndian.Uint32(cookie[clientCookie+4:])) // serial numbers, RFC 1982
		if age <= cookieLife && age >= -cookieAhead {
			for i := range j.secrets {
				if j.hash(i, cookie[:clientCookie+8], client) != [8]byte(cookie[clientCookie+8:]) {
					continue
				}
				if i == 0 && age <= cookieFresh {
					return append(dst, cookie...), true
				}
				valid = true
				break
			}
		}
	}
	at := len(dst)
	dst = append(dst, cookie[:clientCookie]...)
	dst = append(dst, 1, 0, 0, 0) // the version, and octets reserved
	dst = binary.BigEndian.AppendUint32(dst, seconds)
	sum := j.hash(0, dst[at:], client)
	return append(dst, sum[:]...), valid
}

// hash is over the client's cookie, the server's up to the hash, and the client's address (RFC 9018 section 4.4).
func (j *cookieJar) hash(secret int, cookie []byte, client netip.Addr) (sum [8]byte) {
	var buf [clientCookie + 8 + 16]byte
	n := copy(buf[:], cookie)
	if client = client.Unmap(); client.Is4() {
		a := client.As4()
		n += copy(buf[n:], a[:])
	} else {
		a := client.As16()
		n += copy(buf[n:], a[:])
	}
	binary.LittleEndian.PutUint64(sum[:], sipHash(&j.secrets[secret], buf[:n]))
	return sum
}
