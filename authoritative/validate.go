package authoritative

import (
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// configure builds the server from c. All mistakes are collected.
func (s *Server) configure(c Config) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Clock == nil {
		return errors.New("Config.Clock is not set")
	}
	var err error
	if s.cookies, err = newCookieJar(c.Cookies); err != nil {
		errs = append(errs, err)
	}
	if len(c.NSID) > 255 {
		fail("Config.NSID has %d octets; at most 255 make sense", len(c.NSID))
	}
	if s.maxTransfer = c.MaxTransfer; s.maxTransfer == 0 {
		s.maxTransfer = defaultMaxTransfer
	}
	keys := make(map[string]*tsigKey)
	for _, k := range c.Keys {
		key, err := newTSIGKey(k)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if keys[key.name] != nil {
			fail("TSIG key %s is given twice", key.name)
		}
		keys[key.name] = key
	}
	s.keys.Store(&keys)
	seen := make(map[string]bool)
	for _, cv := range c.Views {
		if seen[cv.Name] {
			fail("view %q is given twice", cv.Name)
		}
		seen[cv.Name] = true
		v, err := s.newView(cv)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.views = append(s.views, v)
	}
	return errors.Join(errs...)
}

func (s *Server) newView(c View) (*view, error) {
	v := &view{name: c.Name, zones: make(map[string]*hosted), destinations: c.Destinations}
	match := c.Match
	if match == nil {
		match = Everybody()
	}
	v.match.Store(&match)
	var errs []error
	for _, m := range []Match{match, c.Destinations} {
		m.keys(func(name string) {
			if s.key(name) == nil {
				errs = append(errs, fmt.Errorf("view %q: Match or Destinations names the unknown TSIG key %s; add it to Config.Keys", c.Name, name))
			}
		})
	}
	for _, cz := range c.Zones {
		wire, err := wireName(cz.Origin)
		if err != nil || cz.Origin == "" {
			errs = append(errs, fmt.Errorf("view %q: %q is no zone name", c.Name, cz.Origin))
			continue
		}
		if v.zones[wire] != nil {
			errs = append(errs, fmt.Errorf("view %q: zone %s is given twice", c.Name, dns.CanonicalName(cz.Origin)))
			continue
		}
		h, err := s.newHosted(c.Name, cz)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		v.zones[wire] = h
		v.order = append(v.order, h)
	}
	return v, errors.Join(errs...)
}

func (s *Server) newHosted(view string, c Zone) (*hosted, error) {
	h := &hosted{server: s, view: view, origin: dns.CanonicalName(c.Origin), notifyFrom: c.NotifyFrom, targets: canonicalPeers(c.Notify)}
	h.transfer.Store(&c.Transfer)
	h.allowUpdate.Store(&c.AllowUpdate)
	if h.journal = c.Journal; h.journal == 0 {
		h.journal = defaultJournal
	}
	if err := s.checkZone(h, c); err != nil {
		return nil, err
	}
	if len(c.Primaries) > 0 {
		h.secondary = &secondary{primaries: canonicalPeers(c.Primaries), wholeOnly: c.WholeTransfers}
		if c.Data != nil {
			h.adopt(c.Data, c.Checked)
		}
		return h, nil
	}
	h.primary = &primary{source: c.Data, signing: c.Signing}
	if c.Signing != nil {
		h.primary.keys = c.Signing.Params.Keys
	}
	if c.Signing == nil {
		h.publish(c.Data, time.Time{})
		return h, nil
	}
	if err := h.primary.sign(h, c.Data, s.clock.Now()); err != nil {
		return nil, fmt.Errorf("zone %s: %w", h.name(), err)
	}
	return h, nil
}

// checkZone collects what is wrong with c.
func (s *Server) checkZone(h *hosted, c Zone) error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("zone %s: "+format, append([]any{h.name()}, args...)...))
	}
	if c.Data != nil && dns.CanonicalName(c.Data.Origin()) != h.origin {
		fail("its Data is of zone %s", c.Data.Origin())
	}
	switch {
	case len(c.Primaries) > 0 && c.Signing != nil:
		fail("a secondary does not sign; leave out Signing or Primaries")
	case len(c.Primaries) == 0 && c.Data == nil:
		fail("no Data and no Primaries to get it from")
	}
	if sg := c.Signing; sg != nil {
		if sg.InceptionOffset < 0 {
			fail("Signing: an InceptionOffset of %s is below 0", sg.InceptionOffset)
		}
		if sg.Validity <= 0 || sg.Refresh < 0 || sg.Refresh >= sg.Validity {
			fail("Signing: want 0 <= Refresh < Validity, have Refresh %s and Validity %s", sg.Refresh, sg.Validity)
		}
		if len(sg.Params.Keys) == 0 {
			fail("Signing has no Keys")
		}
	}
	peers := append(append([]Primary(nil), c.Primaries...), c.Notify...)
	for _, p := range peers {
		if !p.Addr.IsValid() {
			fail("a primary or somebody to notify has no address")
		}
		if p.Key != "" && s.key(dns.CanonicalName(p.Key)) == nil {
			fail("%s is to be spoken to under the unknown TSIG key %s; add it to Config.Keys", p.Addr, p.Key)
		}
	}
	if len(peers) > 0 && (s.exchanger == nil || s.rand == nil) {
		fail("it has primaries or somebody to notify, so Config.Exchanger and Config.Rand must be set")
	}
	for _, m := range []Match{c.Transfer, c.NotifyFrom, c.AllowUpdate} {
		m.keys(func(name string) {
			if s.key(name) == nil {
				fail("an access list names the unknown TSIG key %s; add it to Config.Keys", name)
			}
		})
	}
	return errors.Join(errs...)
}

// canonicalPeers is a copy of the list with the key names as the key ring has them.
func canonicalPeers(list []Primary) []Primary {
	peers := append([]Primary(nil), list...)
	for i := range peers {
		if peers[i].Key != "" {
			peers[i].Key = dns.CanonicalName(peers[i].Key)
		}
	}
	return peers
}
