package resolver

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// DNS cookies for clients (RFC 7873 section 5.2), in the form that all servers understand who share the secret (RFC 9018).
const (
	cookieClient = 8  // octets of the client's part
	cookieServer = 16 // of ours: version, three reserved, four of a time stamp, eight of a hash

	cookieAge   = time.Hour        // for which ours is taken (RFC 9018 section 4.3)
	cookieAhead = 5 * time.Minute  // that its time may be ahead of ours
	cookieFresh = 30 * time.Minute // for which no new one is made
)

// CookieSecret is the key of our cookies: 128 bits that nobody can guess, and the same on all servers of one address.
type CookieSecret [16]byte

// readCookie takes a COOKIE option's octets. ok false: they are neither the client's part alone nor both parts (RFC 7873
// section 5.2.2).
func (q *question) readCookie(text string) (ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != cookieClient && (len(b) < cookieClient+8 || len(b) > cookieClient+32) {
		return false
	}
	q.cookie = b
	return true
}

// cookieFor is what the client that sent a cookie gets back: its own part with ours.
func (s *CookieSecret) cookieFor(sent []byte, client netip.Addr, now time.Time) []byte {
	if s.made(sent, client, now) && age(sent, now) < cookieFresh {
		return sent
	}
	b := append(make([]byte, 0, cookieClient+cookieServer), sent[:cookieClient]...)
	b = append(b, 1, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(now.Unix()))
	return append(b, s.hash(b, client)...)
}

// made says whether the server's part of a cookie is ours, for this client, and holds.
func (s *CookieSecret) made(cookie []byte, client netip.Addr, now time.Time) bool {
	if len(cookie) != cookieClient+cookieServer || cookie[cookieClient] != 1 {
		return false
	}
	if a := age(cookie, now); a > cookieAge || a < -cookieAhead {
		return false
	}
	return bytes.Equal(cookie[cookieClient+8:], s.hash(cookie[:cookieClient+8], client))
}

// age is how old a whole cookie is, in serial arithmetic (RFC 9018 section 4.3).
func age(cookie []byte, now time.Time) time.Duration {
	return time.Duration(int32(uint32(now.Unix())-binary.BigEndian.Uint32(cookie[cookieClient+4:]))) * time.Second
}

// hash is SipHash-2-4 of the client's cookie, version, reserved octets, time stamp, and the client's address (RFC 9018
// section 4.4).
func (s *CookieSecret) hash(head []byte, client netip.Addr) []byte {
	data := append(append(make([]byte, 0, len(head)+16), head...), client.Unmap().AsSlice()...)
	return binary.LittleEndian.AppendUint64(nil, sipHash(binary.LittleEndian.Uint64(s[:8]), binary.LittleEndian.Uint64(s[8:]), data))
}

// sipHash is SipHash-2-4 (Aumasson and Bernstein, 2012).
func sipHash(k0, k1 uint64, data []byte) uint64 {
	v := [4]uint64{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	round := func() {
		v[0] += v[1]
		v[1] = bits.RotateLeft64(v[1], 13) ^ v[0]
		v[0] = bits.RotateLeft64(v[0], 32)
		v[2] += v[3]
		v[3] = bits.RotateLeft64(v[3], 16) ^ v[2]
		v[0] += v[3]
		v[3] = bits.RotateLeft64(v[3], 21) ^ v[0]
		v[2] += v[1]
		v[1] = bits.RotateLeft64(v[1], 17) ^ v[2]
		v[2] = bits.RotateLeft64(v[2], 32)
	}
	last := uint64(len(data)) << 56
	for ; len(data) >= 8; data = data[8:] {
		m := binary.LittleEndian.Uint64(data)
		v[3] ^= m
		round()
		round()
		v[0] ^= m
	}
	for i, b := range data {
		last |= uint64(b) << (8 * i)
	}
	v[3] ^= last
	round()
	round()
	v[0] ^= last
	v[2] ^= 0xff
	for range 4 {
		round()
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3]
}

// cookieOption is the option that goes back, when the client sent one and there is a secret.
func (r *Resolver) cookieOption(q *question, client netip.Addr) (dns.EDNS0, bool) {
	if q.cookie == nil || r.cfg.CookieSecret == nil {
		return nil, false
	}
	cookie := r.cfg.CookieSecret.cookieFor(q.cookie, client, r.cfg.Clock.Now())
	return &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(cookie)}, true
}
