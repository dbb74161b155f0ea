package pcap

import "github.com/miekg/dns"

// transfer follows the replies of a connection to tell when they are complete: a plain question has one, a transfer ends
// where RFC 5936 section 2.2 and RFC 1995 section 4 say.
type transfer struct {
	under   bool
	ixfr    bool
	records int
	second  bool   // the second record of an IXFR is an SOA: it is incremental
	serial  uint32 // of the first SOA
	soas    int    // with that serial
}

// begin looks at a question.
func (t *transfer) begin(query []byte) {
	*t = transfer{}
	var m dns.Msg
	if m.Unpack(query) == nil && len(m.Question) == 1 {
		qtype := m.Question[0].Qtype
		t.ixfr = qtype == dns.TypeIXFR
		t.under = t.ixfr || qtype == dns.TypeAXFR
	}
}

// ends tells whether a reply is the last. One that nobody can read is.
func (t *transfer) ends(reply []byte) bool {
	if !t.under {
		return true
	}
	var m dns.Msg
	if m.Unpack(reply) != nil || m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 {
		return true
	}
	for _, rr := range m.Answer {
		t.records++
		soa, ok := rr.(*dns.SOA)
		if !ok {
			continue
		}
		if t.records == 1 {
			t.serial = soa.Serial
		}
		if t.records == 2 {
			t.second = true
		}
		if soa.Serial == t.serial {
			t.soas++
		}
	}
	switch {
	case t.ixfr && t.records == 1: // nothing is new; or a server that sends the first SOA in a message of its own
		return true
	case t.ixfr && t.second:
		return t.soas >= 3
	}
	return t.soas >= 2
}
