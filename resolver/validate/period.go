package validate

import (
	"time"

	"github.com/miekg/dns"
)

// moment is the Unix time that a signature's 32-bit time stands for: the one nearest to now (RFC 4034 section 3.1.5,
// RFC 1982), so that years after 2106 need no thought.
func (c *checker) moment(serial uint32) int64 {
	return c.now + int64(int32(serial-uint32(c.now)))
}

// outOfTime is the extended error of a signature that does not hold now; 0 when inception <= now <= expiration.
func (c *checker) outOfTime(sig *dns.RRSIG) uint16 {
	switch {
	case int32(sig.Expiration-sig.Inception) < 0:
		return dns.ExtendedErrorCodeSignatureExpiredBeforeValid
	case c.now-c.skew > c.moment(sig.Expiration):
		return dns.ExtendedErrorCodeSignatureExpired
	case c.now+c.skew < c.moment(sig.Inception):
		return dns.ExtendedErrorCodeSignatureNotYetValid
	}
	return 0
}

func (c *checker) explainTime(sig string, f failure) Verdict {
	from, to := c.moment(f.sig.Inception), c.moment(f.sig.Expiration)
	switch f.ede {
	case dns.ExtendedErrorCodeSignatureExpired:
		return bogus(f.ede, "%s (%s) expired at %s, %s ago", sig, f.sig.SignerName, stamp(to), age(c.now-to))
	case dns.ExtendedErrorCodeSignatureNotYetValid:
		return bogus(f.ede, "%s (%s) is not valid before %s, in %s", sig, f.sig.SignerName, stamp(from), age(from-c.now))
	default:
		return bogus(f.ede, "%s (%s) ends at %s, before it begins at %s", sig, f.sig.SignerName, stamp(to), stamp(from))
	}
}

func stamp(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

func age(seconds int64) string { return (time.Duration(seconds) * time.Second).String() }
