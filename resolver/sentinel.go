package resolver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

const (
	sentinelIs  = "root-key-sentinel-is-ta-"
	sentinelNot = "root-key-sentinel-not-ta-"
)

// sentinel lets who asks for a name that begins with one of these labels see whether a key of the root is trusted here
// (RFC 8509 section 3): the answer, which is Secure, is told only when what the name says is so.
func (r *Resolver) sentinel(q *question, a *reply) *reply {
	if !strings.HasPrefix(q.name, "root-key-sentinel-") || r.cfg.NoKeySentinel || q.cd || !a.secure ||
		q.qtype != dns.TypeA && q.qtype != dns.TypeAAAA {
		return a
	}
	label, _, _ := strings.Cut(q.name, ".")
	digits, wanted := strings.CutPrefix(label, sentinelIs)
	if !wanted {
		digits = strings.TrimPrefix(label, sentinelNot)
	}
	tag, err := strconv.ParseUint(digits, 10, 16)
	anchors, ok := r.trusted.at(".")
	if len(digits) != 5 || err != nil || !ok {
		return a
	}
	a.passing = true
	trusted := slices.ContainsFunc(anchors, func(rr dns.RR) bool {
		switch rr := rr.(type) {
		case *dns.DS:
			return rr.KeyTag == uint16(tag)
		case *dns.DNSKEY:
			return rr.KeyTag() == uint16(tag)
		}
		return false
	})
	if trusted == wanted {
		return a
	}
	not := ""
	if !trusted {
		not = "not "
	}
	return servfail([]dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeOther,
		ExtraText: fmt.Sprintf("key %d of the root is %strusted here (RFC 8509)", tag, not)}})
}
