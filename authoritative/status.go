package authoritative

import "time"

// ZoneID names a zone in a view.
type ZoneID struct{ View, Origin string }

// Status is what an operator wants to know of a zone. Times that do not apply are zero.
type Status struct {
	// Primary tells a primary from a secondary.
	Primary bool
	// Serial is the one served, or last served.
	Serial uint32
	// Loaded says that the zone is answered for. Expired says that it was once, and that its SOA's expire has passed
	// since the last good check.
	Loaded, Expired bool
	// LastRefresh is when a secondary last knew that its copy was current, and LastResult what became of its latest
	// try since then: "" before the first, "successful", or what went wrong.
	LastRefresh time.Time
	LastResult  string
	// NextRefresh is when a secondary asks again, and Expires when it gives up its copy.
	NextRefresh, Expires time.Time
	// NextSigning is when a signed zone is signed again (zero while renewal is stopped), and SignaturesEnd when its
	// present signatures expire.
	NextSigning, SignaturesEnd time.Time
}

func (h *hosted) status(now time.Time) Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := Status{Primary: h.primary != nil}
	sv := h.served.Load()
	if sv != nil && sv.zone != nil {
		st.Serial = sv.zone.Serial()
	}
	if p := h.primary; p != nil {
		st.Loaded = true
		if p.signing != nil {
			st.SignaturesEnd = p.expiration
			if !p.over.Stop {
				_, _, st.NextSigning = p.signing.period(now)
			}
		}
		return st
	}
	sec := h.secondary
	st.LastRefresh, st.LastResult, st.NextRefresh = sec.lastGood, sec.lastResult, sec.nextRefresh
	if sec.soa != nil {
		st.Serial = sec.soa.Serial
	}
	if sv != nil {
		st.Expires = sv.expires
		st.Expired = !now.Before(sv.expires)
		st.Loaded = !st.Expired
	}
	return st
}
