package play

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// inspect looks into a node: at a zone of a server, or at a resolver's cache.
func (p *player) inspect(s *scenarios.Step, out *Step) error {
	c := new(checker)
	if s.Zone.Zone != "" {
		states, err := p.w.Zone(scenarios.ZoneStep{Server: s.Inspect, Zone: s.Zone.Zone, View: s.Zone.View})
		if err != nil {
			return err
		}
		var lines []string
		for _, z := range states {
			lines = append(lines, describeZone(z))
			checkZone(c, s.Expect, z)
		}
		out.Got = strings.Join(lines, "; ")
		out.Failures = c.failures
		return nil
	}
	r, err := p.w.Resolver(s.Inspect)
	if err != nil {
		return err
	}
	out.Got = fmt.Sprintf("%d entries in its cache", r.CacheLen())
	if s.Expect != nil {
		for _, text := range s.Expect.Cached {
			_, ok := p.cached(s.Inspect, text)
			c.want(ok, "expected %s to hold %s, it does not", s.Inspect, text)
		}
		for _, text := range s.Expect.NotCached {
			left, ok := p.cached(s.Inspect, text)
			c.want(!ok, "expected %s not to hold %s, it does for %v more", s.Inspect, text, left)
		}
	}
	out.Failures = c.failures
	return nil
}

// cached looks up "NAME TYPE" in a resolver's cache.
func (p *player) cached(resolver, text string) (time.Duration, bool) {
	name, rrtype, _ := strings.Cut(text, " ")
	t, ok := dns.StringToType[strings.ToUpper(strings.TrimSpace(rrtype))]
	if !ok {
		t = dns.TypeA
	}
	return p.w.Cached(resolver, name, t)
}

func checkZone(c *checker, e *scenarios.Expect, z simulator.ZoneState) {
	if e == nil {
		return
	}
	where := strings.TrimSpace(z.Server + " " + z.View)
	if e.Serial != nil {
		c.want(within(e.Serial, z.Serial), "%s: expected serial %s, got %d", where, bounds(e.Serial, number[uint32]), z.Serial)
	}
	if e.Expired != nil {
		c.want(z.Expired == *e.Expired, "%s: expected expired = %v, got %v", where, *e.Expired, z.Expired)
	}
	if e.Rollover != "" {
		c.want(z.Rollover == e.Rollover, "%s: expected the rollover to be %s, it is %q", where, e.Rollover, z.Rollover)
	}
	if e.Fresh != nil {
		c.want(z.Fresh() == *e.Fresh, "%s: expected fresh = %v, its last refresh was %q", where, *e.Fresh, z.LastResult)
	}
}

func describeZone(z simulator.ZoneState) string {
	text := fmt.Sprintf("%s: serial %d", z.View, z.Serial)
	if z.Rollover != "" {
		text += ", rollover " + z.Rollover
	}
	if z.Primary {
		return text
	}
	text += fmt.Sprintf(", last refresh %s %q", z.LastRefresh.Format(time.RFC3339), z.LastResult)
	if z.Expired {
		return text + ", expired"
	}
	return text + ", expires " + z.Expires.Format(time.RFC3339)
}
