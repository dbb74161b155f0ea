package authoritative

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

const (
	// transferTimeout is how long a secondary waits for each message of a transfer, and transferWhole for all of it, so
	// that nobody can hold it for ever by dripping.
	transferTimeout = 30 * time.Second
	transferWhole   = 2 * time.Hour
	// defaultMaxTransfer is how many octets may come in with one transfer where nobody says otherwise.
	defaultMaxTransfer = 256 << 20
)

// transferred is what a transfer has brought.
type transferred struct {
	zone *zone.Zone
	// how says in what form it came, for people.
	how string
	// expire is what the primary said of its own copy's expiry; nil: nothing.
	expire *time.Duration
}

// transferIn fetches the zone from p. With a copy here it asks for the changes alone, and for the whole zone when those
// cannot be had or do not fit the copy.
func (h *hosted) transferIn(ctx context.Context, p Primary, force bool) (*transferred, error) {
	ctx, cancel := h.server.clock.WithTimeout(ctx, transferWhole)
	defer cancel()
	if sv := h.current(); sv != nil && !force && !h.secondary.wholeOnly {
		t, err := h.fetch(ctx, p, dns.TypeIXFR, sv.zone)
		if err == nil || ctx.Err() != nil || hopeless(err) {
			return t, err
		}
		h.event(EventIXFRFailed, p.Addr, "incremental transfer of %s from %s: %v; asking for the whole zone", h.name(), p.Addr, err)
	}
	return h.fetch(ctx, p, dns.TypeAXFR, nil)
}

// hopeless tells the errors after which the same server need not be asked in another way.
func hopeless(err error) bool {
	refusal := (*tsigRefusal)(nil)
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.As(err, &refusal) ||
		errors.Is(err, errTooLarge)
}

// errNotUnderstood is for a primary that rejects the form of the query.
type errNotUnderstood struct{ text string }

func (e *errNotUnderstood) Error() string { return e.text }

// fetch makes one transfer, IXFR over the copy here or AXFR: with EDNS, to be told the expiry (RFC 7314), and again
// without where that is not understood.
func (h *hosted) fetch(ctx context.Context, p Primary, qtype uint16, here *zone.Zone) (*transferred, error) {
	t, err := h.fetchAs(ctx, p, qtype, here, true)
	notUnderstood := (*errNotUnderstood)(nil)
	if errors.As(err, &notUnderstood) && ctx.Err() == nil && qtype == dns.TypeAXFR {
		return h.fetchAs(ctx, p, qtype, here, false)
	}
	return t, err
}

func (h *hosted) fetchAs(ctx context.Context, p Primary, qtype uint16, here *zone.Zone, withEDNS bool) (*transferred, error) {
	s := h.server
	m := s.newQuery(dns.OpcodeQuery, h.origin, qtype)
	in := &incoming{server: s, query: m, origin: h.origin, limit: s.maxTransfer}
	if here != nil {
		in.here = here.SOA()
		m.Ns = []dns.RR{in.here} // RFC 1995 section 3
	}
	if withEDNS {
		askExpire(m)
	}
	wire, session, err := s.pack(m, p)
	if err != nil {
		return nil, err
	}
	in.session = session
	if err := s.exchanger.Transfer(ctx, p.Addr, wire, transferTimeout, in.receive); err != nil {
		return nil, err
	}
	return in.result(here)
}

// incoming is a transfer on its way in: the SOA, everything else, and the same SOA again (RFC 5936 section 2.2), or the
// changes between two copies of the newest SOA (RFC 1995 section 4). The second record tells which.
type incoming struct {
	server  *Server
	query   *dns.Msg
	session *tsigSession
	origin  string
	here    *dns.SOA // of the copy that the changes are to be made to; nil: a whole zone was asked for
	limit   int64

	messages int
	octets   int64
	expire   *time.Duration
	first    *dns.SOA
	records  []dns.RR // of a whole zone, without the closing SOA
	changes  history
	complete bool
}

var errTooLarge = errors.New("the transfer is larger than Config.MaxTransfer allows")

func (in *incoming) receive(b []byte) (more bool, err error) {
	if in.octets += int64(len(b)); in.limit > 0 && in.octets > in.limit {
		return false, fmt.Errorf("%w: %d octets", errTooLarge, in.limit)
	}
	m, err := in.server.readReply(in.query, in.session, b)
	if err != nil {
		return false, err
	}
	switch m.Rcode {
	case dns.RcodeSuccess:
	case dns.RcodeFormatError, dns.RcodeNotImplemented:
		return false, &errNotUnderstood{"the primary answered " + rcodeText(m)}
	default:
		return false, fmt.Errorf("the primary answered %s", rcodeText(m))
	}
	in.messages++
	if in.messages == 1 {
		in.expire = toldExpire(m)
	}
	for _, rr := range m.Answer {
		if err := in.take(rr); err != nil {
			return false, err
		}
	}
	if in.first == nil {
		return false, fmt.Errorf("the transfer's first message has no records")
	}
	if in.upToDate() {
		in.complete = true
	}
	if in.complete && in.session != nil {
		return false, in.session.done()
	}
	return !in.complete, nil
}

// upToDate tells whether an IXFR has been answered with the SOA alone, since the primary has nothing newer. A SOA alone
// that is newer is the first message of more.
func (in *incoming) upToDate() bool {
	return in.here != nil && in.records == nil && in.changes == nil && !zone.SerialLess(in.here.Serial, in.first.Serial)
}

func (in *incoming) take(rr dns.RR) error {
	header := rr.Header()
	soa, isSOA := rr.(*dns.SOA)
	switch {
	case in.complete:
		return fmt.Errorf("a record follows the closing SOA: %s", rr)
	case header.Class != dns.ClassINET || !dns.IsSubDomain(in.origin, header.Name):
		return fmt.Errorf("a record that is not the zone's: %s", rr)
	case isSOA && !sameOrigin(header.Name, in.origin):
		return fmt.Errorf("a SOA that is not the zone's: %s", rr)
	case in.first == nil && !isSOA:
		return fmt.Errorf("the transfer begins with %s instead of the zone's SOA", rr)
	case in.first == nil:
		in.first = soa
		return nil
	case in.changes != nil:
		return in.takeIncrement(rr)
	case in.records == nil && isSOA && in.here != nil && soa.Serial == in.here.Serial:
		in.changes = history{{from: soa}}
		return nil
	case isSOA:
		return in.close(soa)
	}
	if in.records == nil {
		in.records = []dns.RR{in.first}
	}
	in.records = append(in.records, rr)
	return nil
}

// close takes the last SOA, which has to be the first one again.
func (in *incoming) close(soa *dns.SOA) error {
	switch {
	case in.first.Serial != soa.Serial:
		return fmt.Errorf("the zone changed while it was transferred: serial %d at the start, %d at the end", in.first.Serial, soa.Serial)
	case !dns.IsDuplicate(in.first, soa):
		return fmt.Errorf("the SOA at the end is not the one at the start: %s", soa)
	}
	in.complete = true
	return nil
}

// result makes the zone of what has come.
func (in *incoming) result(here *zone.Zone) (*transferred, error) {
	t := &transferred{expire: in.expire}
	var err error
	switch {
	case !in.complete:
		return nil, fmt.Errorf("the transfer ended after %d messages without its closing SOA", in.messages)
	case in.upToDate():
		if in.here.Serial != in.first.Serial {
			return nil, fmt.Errorf("its serial %d is older than %d, which is here", in.first.Serial, in.here.Serial)
		}
		t.zone, t.how = here, "nothing new"
	case in.changes != nil:
		if t.zone, err = patch(here, in.changes); err != nil {
			return nil, fmt.Errorf("the changes cannot be made: %w", err)
		}
		t.how = fmt.Sprintf("incrementally from serial %d", in.here.Serial)
	default:
		if t.zone, err = zone.New(in.origin, in.records); err != nil {
			return nil, fmt.Errorf("what was transferred is no sound zone: %w", err)
		}
		t.how = "whole"
	}
	return t, nil
}
