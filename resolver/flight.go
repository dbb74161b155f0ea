package resolver

import "faultzone/resolver/cache"

// flight is a lookup under way that others may wait for.
type flight struct {
	owner *task
	done  <-chan struct{}
	fire  func()

	// Set before done fires. abandoned: it came to nothing that concerns others, who look for themselves.
	entry     *cache.Entry
	failure   *failure
	abandoned bool
}

// join finds the flight for the key. lead says that the caller has to do the work: for all who come, or, with no
// flight, for itself alone, because to wait would be to wait for itself.
func (t *task) join(key lookupKey) (f *flight, lead bool) {
	r := t.r
	r.mu.Lock()
	defer r.mu.Unlock()
	f = r.flights[key]
	if f == nil {
		f = &flight{owner: t}
		f.done, f.fire = r.cfg.Clock.Signal()
		r.flights[key] = f
		return f, true
	}
	for other := f; other != nil; other = other.owner.waiting {
		if other.owner == t {
			return nil, true
		}
	}
	t.waiting = f
	return f, false
}

// leave ends t's waiting.
func (r *Resolver) leave(t *task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.waiting = nil
}

// land ends a flight and tells those who wait.
func (r *Resolver) land(key lookupKey, f *flight, e *cache.Entry, fail *failure) {
	r.mu.Lock()
	f.entry, f.failure = e, fail
	f.abandoned = e == nil && (fail == nil || fail.local)
	delete(r.flights, key)
	r.mu.Unlock()
	f.fire()
}
