package resolver

import (
	"context"
	"fmt"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"
)

// judge turns a response into an entry with its security status.
func (r *Resolver) judge(ctx context.Context, w *iterate.Work, q question, resp *iterate.Response) found {
	rank := cache.Answer
	if !resp.AA {
		rank = cache.NonAuthoritativeAnswer
	}
	switch resp.Kind {
	case iterate.NODATA, iterate.NXDOMAIN:
		return found{entry: r.judgeNegative(ctx, w, q, resp)}
	case iterate.CNAME:
		for _, s := range resp.Answer {
			if s.RRs[0].Header().Rrtype == dns.TypeDNAME {
				return r.judgeDNAME(ctx, w, q, resp, s, rank)
			}
		}
	}
	e := &cache.Entry{Name: q.Name, Type: q.Type, Rank: rank, Set: resp.Answer[0], Proof: resp.Proof}
	if resp.Kind == iterate.CNAME {
		e.Type = dns.TypeCNAME
	}
	r.judgePositive(ctx, w, q, resp, e)
	return found{entry: e}
}

// apply writes a verdict into an entry.
func apply(e *cache.Entry, v validate.Verdict) {
	e.Status = v.Status
	e.Until = v.Until
	if v.EDE != 0 {
		e.EDE = []dns.EDNS0_EDE{{InfoCode: v.EDE, ExtraText: v.Why}}
	}
}

func (r *Resolver) judgePositive(ctx context.Context, w *iterate.Work, q question, resp *iterate.Response, e *cache.Entry) {
	switch {
	case !r.validating() || q.Type == dns.TypeRRSIG: // signatures are not signed (RFC 4035 section 2.2)
		e.Proof = nil
		return
	case q.Type == dns.TypeDNSKEY && e.Type == dns.TypeDNSKEY:
		apply(e, r.judgeKeys(ctx, w, q.Name, e.Set))
		e.Proof = nil
		return
	}
	z := r.zoneFor(ctx, w, q, resp.Zone, e.Set.Sigs)
	v := z.verdict()
	if z.status == validate.Secure {
		v = validate.Signed(e.Set, z.name, z.keys, r.config.Clock.Now(), r.config.Validation)
		if v.Status == validate.Secure && v.Wildcard != "" {
			proof := validate.NoCloserMatch(q.Name, v.Wildcard, z.name, resp.Proof, z.keys, r.config.Clock.Now(), r.config.Validation)
			v = both(v, proof)
		}
	}
	if v.Wildcard == "" {
		e.Proof = nil
	}
	apply(e, v)
	r.reportVerdict(q, z, v)
}

// both is the weaker of two verdicts that an answer stands on.
func both(v, proof validate.Verdict) validate.Verdict {
	if proof.Status != validate.Secure {
		proof.Wildcard = v.Wildcard
		return proof
	}
	if !proof.Until.IsZero() && proof.Until.Before(v.Until) {
		v.Until = proof.Until
	}
	return v
}

func (r *Resolver) judgeNegative(ctx context.Context, w *iterate.Work, q question, resp *iterate.Response) *cache.Entry {
	e := &cache.Entry{Name: q.Name, Type: q.Type, Kind: cache.NODATA, Rank: cache.Answer, SOA: resp.SOA, Proof: resp.Proof}
	if resp.Kind == iterate.NXDOMAIN {
		e.Kind, e.Type = cache.NXDOMAIN, dns.TypeNone
	}
	if !r.validating() {
		return e
	}
	z := r.zoneFor(ctx, w, q, resp.Zone, negativeSigs(resp))
	v := z.verdict()
	if z.status == validate.Secure {
		now, p := r.config.Clock.Now(), r.config.Validation
		denial := resp.Proof
		if len(resp.SOA.RRs) > 0 {
			denial = append(denial[:len(denial):len(denial)], resp.SOA)
		}
		switch {
		case resp.Kind == iterate.NXDOMAIN:
			v = validate.NameError(q.Name, z.name, denial, z.keys, now, p)
		default:
			v = validate.NoData(q.Name, q.Type, z.name, denial, z.keys, now, p)
		}
	}
	apply(e, v)
	r.reportVerdict(q, z, v)
	return e
}

func negativeSigs(resp *iterate.Response) []*dns.RRSIG {
	if len(resp.SOA.Sigs) > 0 {
		return resp.SOA.Sigs
	}
	for _, s := range resp.Proof {
		if len(s.Sigs) > 0 {
			return s.Sigs
		}
	}
	return nil
}

func (r *Resolver) reportVerdict(q question, z zoneKeys, v validate.Verdict) {
	if r.config.Report == nil {
		return
	}
	text := fmt.Sprintf("%v by the keys of %s", v.Status, z.name)
	if v.Status != validate.Secure {
		text = v.Status.String()
	}
	if v.Why != "" {
		text += ": " + v.Why
	}
	r.report("validate", q, v.EDE, text)
}
