package scenarios

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// hmacs are TSIG's algorithms (RFC 8945 section 6) with the octets of their MACs. A secret should be as long as that
// (RFC 2104 section 3).
func hmacs() map[string]int {
	return map[string]int{
		dns.HmacSHA1: 20, dns.HmacSHA224: 28, dns.HmacSHA256: 32, dns.HmacSHA384: 48, dns.HmacSHA512: 64,
	}
}

// The octets that a TSIG secret may have. 16 are the shortest key that anybody still calls safe; above 512 somebody
// has given a file instead of a key.
const minSecret, maxSecret = 16, 512

// key reads [key.NAME].
func (l *loader) key(n *node) (Key, bool) {
	k := Key{Name: canonical(n.name), Algorithm: dns.HmacSHA256, Pos: n.keyPosition()}
	if err := checkName(n.name); err != nil {
		l.errorf(k.Pos, "key: %v", err)
		return k, false
	}
	if l.keys[k.Name] {
		l.errorf(k.Pos, "the key %s is there twice", quote(k.Name))
	}
	l.keys[k.Name] = true
	f := l.fields(n, "key "+quote(n.name))
	if f == nil {
		return k, false
	}
	if name, n := f.text("algorithm"); n != nil {
		k.Algorithm = strings.ToLower(dns.Fqdn(name))
		if _, ok := hmacs()[k.Algorithm]; !ok {
			var known []string
			for _, a := range slices.Sorted(maps.Keys(hmacs())) {
				known = append(known, strings.TrimSuffix(a, "."))
			}
			l.errorf(n.position(), "unknown TSIG algorithm %s%s", quote(name), suggest(strings.TrimSuffix(name, "."), known))
			k.Algorithm = dns.HmacSHA256
		}
	}
	if text, n := f.text("secret"); n != nil {
		k.Secret = l.secret(n, text, k.Algorithm)
	}
	f.done()
	return k, true
}

func (l *loader) secret(n *node, text, algorithm string) []byte {
	text = strings.Join(strings.Fields(text), "") // as key files, it may be broken by blanks
	secret, err := base64.StdEncoding.Strict().DecodeString(text)
	switch {
	case err != nil:
		l.errorf(n.position(), "secret: expected base64 such as tsig-keygen prints, found something else: %v", base64Error(err, text))
	case len(secret) < minSecret || len(secret) > maxSecret:
		l.errorf(n.position(), "secret: a secret of %d octets is not between %d and %d; %s wants %d (leave secret out to have one derived from the seed)",
			len(secret), minSecret, maxSecret, strings.TrimSuffix(algorithm, "."), hmacs()[algorithm])
	default:
		return secret
	}
	return nil
}

// base64Error says what is wrong without repeating the secret.
func base64Error(err error, text string) string {
	if i := strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '=')
	}); i >= 0 {
		return "character " + quote(string([]rune(text[i:])[0]))
	}
	if len(text)%4 != 0 {
		return "its length is not a multiple of 4"
	}
	return err.Error()
}

// knownKey tells whether a TSIG key exists, and reports at n when it does not.
func (l *loader) knownKey(n *node, name string) bool {
	if l.keys[canonical(name)] {
		return true
	}
	var known []string
	for k := range l.keys {
		known = append(known, strings.TrimSuffix(k, "."))
	}
	l.errorf(n.position(), "there is no key %s%s", quote(name), suggest(strings.TrimSuffix(name, "."), known))
	return false
}
