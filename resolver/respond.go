package resolver

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"
)

// Resolve answers one question; nil means that nothing is sent back. It may wait.
func (r *Resolver) Resolve(ctx context.Context, query *dns.Msg, client netip.Addr) *dns.Msg {
	reply, q, ok := r.begin(query, client)
	if !ok {
		return reply
	}
	if !query.RecursionDesired {
		a, known := r.resolveCached(q)
		r.finish(reply, query, q, a, known)
		return reply
	}
	r.finish(reply, query, q, r.resolve(ctx, q), true)
	return reply
}

// begin checks a query. Where ok is false the reply is final already: an error, or nil for what is no query.
func (r *Resolver) begin(query *dns.Msg, client netip.Addr) (reply *dns.Msg, q question, ok bool) {
	if query.Response {
		return nil, q, false
	}
	reply = &dns.Msg{MsgHdr: dns.MsgHdr{Id: query.Id, Response: true, Opcode: query.Opcode,
		RecursionDesired: query.RecursionDesired, RecursionAvailable: true, CheckingDisabled: query.CheckingDisabled}}
	reply.Question = query.Question
	opt := query.IsEdns0()
	if opt != nil {
		reply.SetEdns0(ednsSize, opt.Do())
	}
	switch {
	case !r.allowed(client):
		reply.Rcode = dns.RcodeRefused
		explain(reply, dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeProhibited, ExtraText: client.String() + " is not in the list of those who may ask"})
	case opt != nil && opt.Version() != 0:
		reply.Rcode = dns.RcodeBadVers
	case query.Opcode != dns.OpcodeQuery:
		reply.Rcode = dns.RcodeNotImplemented
	case len(query.Question) != 1:
		reply.Rcode = dns.RcodeFormatError
	case query.Question[0].Qclass != dns.ClassINET, metaType(query.Question[0].Qtype):
		reply.Rcode = dns.RcodeRefused
	case query.Question[0].Qtype == dns.TypeANY:
		// RFC 8482 section 4.2.
		reply.Answer = []dns.RR{&dns.HINFO{Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeHINFO, Class: dns.ClassINET, Ttl: 3600}, Cpu: "RFC8482"}}
	default:
		return reply, question{Name: dns.CanonicalName(query.Question[0].Name), Type: query.Question[0].Qtype}, true
	}
	return reply, q, false
}

// metaType tells the types that ask for something other than records (RFC 6895 section 3.1).
func metaType(t uint16) bool {
	return t >= 128 && t < dns.TypeANY || t == dns.TypeOPT || t == dns.TypeNone
}

func (r *Resolver) allowed(client netip.Addr) bool {
	list := *r.allow.Load()
	if list == nil {
		return true
	}
	client = client.Unmap()
	for _, p := range list {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

// finish fills in the answer. known is false when a query without RD asked for what is not in the cache: the reply
// then holds nothing.
func (r *Resolver) finish(reply, query *dns.Msg, q question, a answer, known bool) {
	if !known {
		return
	}
	opt := query.IsEdns0()
	dnssec := opt != nil && opt.Do()
	now := r.config.Clock.Now()
	if a.failed() || a.status == validate.Bogus && !query.CheckingDisabled {
		reply.Rcode = dns.RcodeServerFailure
		explain(reply, a.ede...)
		return
	}
	for _, l := range a.links {
		if l.dname != nil {
			ttl := l.dname.TTL(now)
			reply.Answer = appendSet(reply.Answer, l.dname, dnssec, r, 0)
			cname := *l.entry.Set.RRs[0].(*dns.CNAME)
			cname.Hdr.Ttl = ttl
			reply.Answer = append(reply.Answer, &cname)
			continue
		}
		reply.Answer = appendSet(reply.Answer, l.entry, dnssec, r, q.Type)
		if dnssec && len(l.entry.Proof) > 0 {
			reply.Ns = l.entry.AppendAuthority(reply.Ns, now, true)
		}
	}
	switch e := a.final; e.Kind {
	case cache.Positive:
		if len(a.links) == 0 || a.links[len(a.links)-1].entry != e {
			reply.Answer = appendSet(reply.Answer, e, dnssec, r, q.Type)
			if dnssec {
				reply.Ns = e.AppendAuthority(reply.Ns, now, true)
			}
		}
	case cache.NXDOMAIN:
		reply.Rcode = dns.RcodeNameError
		reply.Ns = e.AppendAuthority(reply.Ns, now, dnssec)
	case cache.NODATA:
		reply.Ns = e.AppendAuthority(reply.Ns, now, dnssec)
	}
	restoreCase(reply, query.Question[0].Name, q.Name)
	// RFC 6840 sections 5.7 and 5.8: AD for those who understand it.
	reply.AuthenticatedData = a.status == validate.Secure && (query.AuthenticatedData || dnssec) && !query.CheckingDisabled
	explain(reply, a.ede...)
}

// appendSet appends an RRset, and its signatures when they are wanted.
func appendSet(dst []dns.RR, e *cache.Entry, dnssec bool, r *Resolver, asked uint16) []dns.RR {
	now := r.config.Clock.Now()
	dst = e.AppendRRs(dst, now)
	if dnssec && asked != dns.TypeRRSIG {
		dst = e.AppendSigs(dst, now)
	}
	return dst
}

// restoreCase gives the records of the question's name the case in which it was asked (RFC 1034 section 3.1 keeps it
// where possible). The records are the cache's own, so those that change are copied.
func restoreCase(reply *dns.Msg, asked, canonical string) {
	if asked == canonical {
		return
	}
	for i, rr := range reply.Answer {
		if rr.Header().Name == canonical {
			rr = dns.Copy(rr)
			rr.Header().Name = asked
			reply.Answer[i] = rr
		}
	}
}

// explain adds extended errors, each code once, to a reply that has EDNS.
func explain(reply *dns.Msg, list ...dns.EDNS0_EDE) {
	opt := reply.IsEdns0()
	if opt == nil {
		return
	}
	const most = 4
	seen := map[uint16]bool{}
	for _, e := range list {
		if !seen[e.InfoCode] && len(seen) < most {
			seen[e.InfoCode] = true
			opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: e.InfoCode, ExtraText: shorten(e.ExtraText)})
		}
	}
}

// shorten keeps a text small enough for any UDP reply.
func shorten(text string) string {
	const most = 250
	if len(text) <= most {
		return text
	}
	return text[:most-3] + "..."
}
