package authoritative

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// What administrative calls fail with, by errors.Is.
var (
	ErrNoView       = errors.New("no such view")
	ErrNoZone       = errors.New("no such zone")
	ErrNoKey        = errors.New("no such TSIG key")
	ErrNotPrimary   = errors.New("the server is not its primary")
	ErrNotSecondary = errors.New("the server is not a secondary of it")
	ErrNotSigning   = errors.New("the server does not sign it")
)

func (s *Server) viewNamed(name string) (*view, error) {
	for _, v := range s.views {
		if v.name == name {
			return v, nil
		}
	}
	return nil, fmt.Errorf("view %q: %w", name, ErrNoView)
}

func (s *Server) hosted(view, origin string) (*hosted, error) {
	v, err := s.viewNamed(view)
	if err != nil {
		return nil, err
	}
	h := v.exact(origin)
	if h == nil {
		return nil, fmt.Errorf("zone %s in view %q: %w", origin, view, ErrNoZone)
	}
	return h, nil
}

func (s *Server) primaryOf(view, origin string) (*hosted, error) {
	h, err := s.hosted(view, origin)
	if err == nil && h.primary == nil {
		return nil, fmt.Errorf("zone %s: %w", h.name(), ErrNotPrimary)
	}
	return h, err
}

func (s *Server) secondaryOf(view, origin string) (*hosted, error) {
	h, err := s.hosted(view, origin)
	if err == nil && h.secondary == nil {
		return nil, fmt.Errorf("zone %s: %w", h.name(), ErrNotSecondary)
	}
	return h, err
}

// Views lists the names of the views, in the order in which they are tried.
func (s *Server) Views() []string {
	names := make([]string, len(s.views))
	for i, v := range s.views {
		names[i] = v.name
	}
	return names
}

// Zones lists all zones, in the order of the configuration.
func (s *Server) Zones() []ZoneID {
	var ids []ZoneID
	for _, v := range s.views {
		for _, h := range v.order {
			ids = append(ids, ZoneID{View: v.name, Origin: h.origin})
		}
	}
	return ids
}

// Zone returns the zone as it is served, or nil when it has expired, was never loaded, or is not served here.
func (s *Server) Zone(view, origin string) *zone.Zone {
	h, err := s.hosted(view, origin)
	if err != nil {
		return nil
	}
	if sv := h.current(); sv != nil {
		return sv.zone
	}
	return nil
}

// Edit changes a primary's zone: the serial is raised, unless the changes set the SOA themselves, the zone is signed
// again with the times that its signatures have, and the secondaries are notified. Changes that change nothing do
// nothing. The zone stays as it was when they are refused.
func (s *Server) Edit(view, origin string, changes ...zone.Change) error {
	h, err := s.primaryOf(view, origin)
	if err != nil {
		return err
	}
	h.mu.Lock()
	changed, err := h.edit(changes)
	h.mu.Unlock()
	if err != nil {
		return fmt.Errorf("editing %s: %w", h.name(), err)
	}
	if changed {
		h.event(EventEdited, netip.AddrPort{}, "%s has been edited", h.name())
		h.notifyAll()
	}
	return nil
}

// edit applies the changes and tells whether they were any. The caller holds mu.
func (h *hosted) edit(changes []zone.Change) (bool, error) {
	p := h.primary
	source, err := p.source.Apply(changes...)
	if err != nil || source.Serial() == p.source.Serial() && !setSOA(changes) {
		return false, err
	}
	if p.signing != nil {
		return true, p.sign(h, source, h.server.clock.Now())
	}
	p.source = source
	h.publish(source, time.Time{})
	return true, nil
}

// setSOA tells whether the changes say themselves what the serial is to be.
func setSOA(changes []zone.Change) bool {
	for _, c := range changes {
		if c.Type == dns.TypeSOA {
			return true
		}
		for _, rr := range c.RRs {
			if rr.Header().Rrtype == dns.TypeSOA {
				return true
			}
		}
	}
	return false
}

// Resign signs a primary's zone at once as r says, with a new serial, and notifies the secondaries.
func (s *Server) Resign(view, origin string, r Resigning) error {
	h, err := s.primaryOf(view, origin)
	if err != nil {
		return err
	}
	if h.primary.signing == nil {
		return fmt.Errorf("zone %s: %w", h.name(), ErrNotSigning)
	}
	h.mu.Lock()
	before := h.primary.over
	h.primary.over = r
	if err = h.resign(s.clock.Now()); err != nil {
		h.primary.over = before
	}
	h.mu.Unlock()
	if err != nil {
		return fmt.Errorf("zone %s: %w", h.name(), err)
	}
	h.signed(nil)
	return nil
}

// ResumeSigning undoes Resign: the zone is signed at once as it is configured, with a new serial, and renewed by the
// calendar again.
func (s *Server) ResumeSigning(view, origin string) error {
	return s.Resign(view, origin, Resigning{})
}

// Match returns whom the view is shown to; nil for a view that does not exist.
func (s *Server) Match(view string) Match {
	v, err := s.viewNamed(view)
	if err != nil {
		return nil
	}
	return *v.match.Load()
}

// SetMatch changes whom the view is shown to; nil: nobody.
func (s *Server) SetMatch(view string, m Match) error {
	v, err := s.viewNamed(view)
	if err == nil {
		err = s.knownKeys(m)
	}
	if err != nil {
		return err
	}
	v.match.Store(&m)
	return nil
}

// Transfer returns who may transfer the zone.
func (s *Server) Transfer(view, origin string) (Match, error) {
	h, err := s.hosted(view, origin)
	if err != nil {
		return nil, err
	}
	return *h.transfer.Load(), nil
}

// SetTransfer changes who may transfer the zone; nil: nobody.
func (s *Server) SetTransfer(view, origin string, m Match) error {
	h, err := s.hosted(view, origin)
	if err == nil {
		err = s.knownKeys(m)
	}
	if err != nil {
		return err
	}
	h.transfer.Store(&m)
	return nil
}

func (s *Server) knownKeys(m Match) error {
	var errs []error
	m.keys(func(name string) {
		if s.key(name) == nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, ErrNoKey))
		}
	})
	return errors.Join(errs...)
}

// Key returns a TSIG key that the server knows.
func (s *Server) Key(name string) (TSIGKey, error) {
	k := s.key(dns.CanonicalName(name))
	if k == nil {
		return TSIGKey{}, fmt.Errorf("%s: %w", name, ErrNoKey)
	}
	return k.public(), nil
}

// SetKey replaces the TSIG key of that name, or adds it.
func (s *Server) SetKey(k TSIGKey) error {
	key, err := newTSIGKey(k)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make(map[string]*tsigKey)
	for name, known := range *s.keys.Load() {
		keys[name] = known
	}
	keys[key.name] = key
	s.keys.Store(&keys)
	return nil
}

// Refresh has a secondary check its primaries at once, as rndc refresh does. It does not wait for the outcome.
func (s *Server) Refresh(view, origin string) error {
	h, err := s.secondaryOf(view, origin)
	if err != nil {
		return err
	}
	h.want(false)
	return nil
}

// Retransfer has a secondary fetch the zone at once whatever its serial, as rndc retransfer does. It does not wait for
// the outcome.
func (s *Server) Retransfer(view, origin string) error {
	h, err := s.secondaryOf(view, origin)
	if err != nil {
		return err
	}
	h.want(true)
	return nil
}

// NotifyNow notifies those who are to be told of changes, as rndc notify does.
func (s *Server) NotifyNow(view, origin string) error {
	h, err := s.hosted(view, origin)
	if err != nil {
		return err
	}
	h.notifyAll()
	return nil
}

// Status tells how a zone stands.
func (s *Server) Status(view, origin string) (Status, error) {
	h, err := s.hosted(view, origin)
	if err != nil {
		return Status{}, err
	}
	return h.status(s.clock.Now()), nil
}
