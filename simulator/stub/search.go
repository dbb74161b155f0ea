package stub

import (
	"errors"
	"strings"
	"syscall"

	"github.com/miekg/dns"
)

// search asks for a name and for what the search list makes of it, as res_search does.
//
// A name with ndots dots or more, or with one at its end, is first asked for as it is; with one at its end that is
// all. Then come the search list's domains. NXDOMAIN, no data and SERVFAIL go on to the next domain; any other failure
// ends the list, and a refusal by all servers ends everything. Last the name is asked for as it is, if it was not yet.
// Of several failures the first question's counts, then no data, then SERVFAIL, then the last one.
func (l *lookup) search(name string) outcome {
	dots := strings.Count(name, ".")
	absolute := strings.HasSuffix(name, ".")
	var first, nodata, servfail, last outcome
	asIs := dots >= l.stub.options.Ndots || absolute
	if asIs {
		first = l.query(name)
		if first.err == nil || first.failure() == nil || absolute {
			return first
		}
		last = first
	}
	searched, root := false, false
	if !absolute {
	list:
		for _, domain := range l.stub.config.Search {
			domain = strings.TrimPrefix(domain, ".")
			searched, root = true, root || domain == ""
			last = l.query(name + "." + domain)
			failure := last.failure()
			switch {
			case failure == nil || errors.Is(failure, syscall.ECONNREFUSED):
				return last
			case failure.Kind == NoData:
				nodata = last
			case failure.Kind == HostNotFound:
			case failure.Kind == TryAgain && last.reply != nil && last.reply.Rcode == dns.RcodeServerFailure:
				servfail = last
			default:
				break list
			}
		}
	}
	if !asIs && !root && (dots > 0 || !searched || !l.stub.options.NoTLDQuery) {
		last = l.query(name)
		if last.err == nil || last.failure() == nil {
			return last
		}
	}
	for _, o := range []outcome{first, nodata, servfail} {
		if o.err != nil {
			return o
		}
	}
	return last
}

// query asks for one absolute name and judges the reply, as res_query does.
func (l *lookup) query(name string) outcome {
	name = dns.Fqdn(name)
	fail := func(o outcome, kind Kind, cause error) outcome {
		o.err = &Error{Kind: kind, Name: name, Type: l.qtype, Cause: cause}
		return o
	}
	q := &dns.Msg{
		MsgHdr:   dns.MsgHdr{Id: l.stub.random(), RecursionDesired: true, AuthenticatedData: l.stub.options.TrustAD},
		Question: []dns.Question{{Name: name, Qtype: l.qtype, Qclass: dns.ClassINET}},
	}
	if l.stub.options.EDNS0 {
		q.Extra = append(q.Extra, &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: ednsSize}})
	}
	if l.stub.options.NoAAAA && l.qtype == dns.TypeAAAA {
		return fail(outcome{reply: new(dns.Msg).SetReply(q)}, NoData, nil)
	}
	packed, err := q.Pack()
	if _, ok := dns.IsDomainName(name); !ok || err != nil {
		return fail(outcome{}, NoRecovery, errBadName)
	}
	o, answered := l.send(packed, q.Question[0])
	switch {
	case o.err != nil && o.failure() == nil:
		return o // the context ended
	case !answered:
		var cause error
		if o.reply == nil {
			cause = o.failure().Cause
		}
		return fail(o, TryAgain, cause)
	case o.reply == nil:
		return fail(o, NoRecovery, errUnreadable)
	}
	switch {
	case o.reply.Rcode == dns.RcodeNameError:
		return fail(o, HostNotFound, nil)
	case o.reply.Rcode == dns.RcodeServerFailure:
		return fail(o, TryAgain, nil)
	case o.reply.Rcode != dns.RcodeSuccess:
		return fail(o, NoRecovery, nil)
	case len(o.reply.Answer) == 0:
		return fail(o, NoData, nil)
	}
	return o
}

// errBadName is a name that no question can hold: too long, or with an empty or too long label.
var errBadName = errors.New("this is not a domain name")

// ednsSize is the payload that glibc says it takes.
const ednsSize = 1200
