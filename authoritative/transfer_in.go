package authoritative

import (
	"context"
	"fmt"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// transferTimeout is how long a secondary waits for each message of a transfer.
const transferTimeout = 30 * time.Second

// transferIn fetches the zone from p by AXFR.
func (h *hosted) transferIn(ctx context.Context, p Primary) (*zone.Zone, error) {
	s := h.server
	m := s.newQuery(dns.OpcodeQuery, h.origin, dns.TypeAXFR)
	wire, session, err := s.pack(m, p)
	if err != nil {
		return nil, err
	}
	in := &incoming{server: s, query: m, session: session, origin: h.origin}
	if err := s.exchanger.Transfer(ctx, p.Addr, wire, transferTimeout, in.receive); err != nil {
		return nil, err
	}
	if !in.complete {
		return nil, fmt.Errorf("the transfer ended after %d records without its closing SOA", len(in.records))
	}
	z, err := zone.New(h.origin, in.records)
	if err != nil {
		return nil, fmt.Errorf("what was transferred is no sound zone: %w", err)
	}
	return z, nil
}

// incoming is a transfer on its way in (RFC 5936 section 2.2): the SOA, everything else, and the same SOA again.
type incoming struct {
	server   *Server
	query    *dns.Msg
	session  *tsigSession
	origin   string
	messages int
	records  []dns.RR // without the closing SOA
	complete bool
}

func (in *incoming) receive(b []byte) (more bool, err error) {
	m, err := in.server.readReply(in.query, in.session, b)
	if err != nil {
		return false, err
	}
	if m.Rcode != dns.RcodeSuccess {
		return false, fmt.Errorf("the primary answered %s", rcodeText(m))
	}
	in.messages++
	for _, rr := range m.Answer {
		if err := in.take(rr); err != nil {
			return false, err
		}
	}
	if in.messages == 1 && len(in.records) == 0 {
		return false, fmt.Errorf("the transfer's first message has no records")
	}
	if in.complete && in.session != nil {
		return false, in.session.done()
	}
	return !in.complete, nil
}

func (in *incoming) take(rr dns.RR) error {
	header := rr.Header()
	soa, isSOA := rr.(*dns.SOA)
	switch {
	case in.complete:
		return fmt.Errorf("a record follows the closing SOA: %s", rr)
	case header.Class != dns.ClassINET || !dns.IsSubDomain(in.origin, header.Name):
		return fmt.Errorf("a record that is not the zone's: %s", rr)
	case len(in.records) == 0 && (!isSOA || dns.CanonicalName(header.Name) != in.origin):
		return fmt.Errorf("the transfer begins with %s instead of the zone's SOA", rr)
	case isSOA && len(in.records) > 0:
		if first := in.records[0].(*dns.SOA); first.Serial != soa.Serial {
			return fmt.Errorf("the zone changed while it was transferred: serial %d at the start, %d at the end", first.Serial, soa.Serial)
		}
		in.complete = true
		return nil
	}
	in.records = append(in.records, rr)
	return nil
}
