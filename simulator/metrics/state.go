package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"faultzone/authoritative/zone"
	"faultzone/simulator"
)

// namespace begins every name.
const namespace = "faultzone"

// state collects how the present world is.
type state struct {
	world      func() *simulator.World
	recordings []Recording
	descs      map[string]*prometheus.Desc

	mu   sync.Mutex
	ends map[place]signatures
}

type place struct{ server, view, zone string }

// signatures are those of a zone as it is served, which never changes.
type signatures struct {
	zone *zone.Zone
	// first is when the first of them ends, in seconds since 1970 modulo 2³² (RFC 4034 section 3.1.5).
	first uint32
	some  bool
}

func newState(world func() *simulator.World, recordings []Recording) *state {
	s := &state{world: world, recordings: recordings, descs: map[string]*prometheus.Desc{}, ends: map[place]signatures{}}
	describe := func(name, help string, labels ...string) {
		s.descs[name] = prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	describe("world_timestamp_seconds", "The world's clock, in seconds since 1970.")
	describe("world_elapsed_seconds", "World time since the scenario's start.")
	describe("world_speed_ratio", "How fast world time passes, 1 being the wall's pace; 0: it stands still.")
	describe("journal_entries_total", "Entries of the journal since the world began.")
	describe("node_up", "Whether the node's program answers: 1, or 0 where it is stopped, refuses or hangs.", "node", "role")
	describe("cache_hits_total", "Clients' queries that the resolver's cache answered.", "node")
	describe("cache_misses_total", "Clients' queries for which the resolver had to ask servers.", "node")
	describe("cache_entries", "Live entries of the resolver's cache: RRsets, negative answers and failures.", "node")
	describe("cache_size_bytes", "What the resolver's cache takes, by estimate.", "node")
	describe("cache_limit_bytes", "What the resolver's cache may take.", "node")
	describe("fault_active", "Whether the fault of this label is active.", "fault", "label")
	describe("fault_seen_total", "Messages or records that the fault looked at.", "fault", "label")
	describe("fault_matched_total", "Those that its target and match are about.", "fault", "label")
	describe("fault_changed_total", "Those that came out otherwise than without it.", "fault", "label")
	describe("zone_serial", "The serial of the zone's SOA as the server has it.", "zone", "server", "view")
	describe("zone_loaded", "Whether the server answers for the zone: 0 before its first transfer and once it has expired.",
		"zone", "server", "view")
	describe("zone_expiry_seconds", "World time until a secondary gives its copy up, unless a primary confirms it; below 0: since it did.",
		"zone", "server", "view")
	describe("zone_signature_expiry_seconds", "World time until the first RRSIG of the zone as it is served ends; below 0: since it did.",
		"zone", "server", "view")
	describe("recording_legs_total", "Legs that were recorded.", "recording")
	describe("recording_dropped_legs_total", "Legs that the recording lost, because its queue was full or nobody took them.", "recording")
	return s
}

// Describe names what Collect may send.
func (s *state) Describe(c chan<- *prometheus.Desc) {
	for _, d := range s.descs {
		c <- d
	}
}

// Collect reads the world.
func (s *state) Collect(c chan<- prometheus.Metric) {
	out := output{c, s.descs}
	for _, r := range s.recordings {
		written, dropped := r.Counts()
		out.counter("recording_legs_total", float64(written), r.Name())
		out.counter("recording_dropped_legs_total", float64(dropped), r.Name())
	}
	w := s.world()
	if w == nil {
		return
	}
	now := w.Now()
	out.gauge("world_timestamp_seconds", float64(now.UnixNano())/1e9)
	out.gauge("world_elapsed_seconds", w.Elapsed().Seconds())
	out.gauge("world_speed_ratio", w.Speed())
	out.counter("journal_entries_total", float64(w.Journal().Len()))
	collectNodes(out, w)
	collectFaults(out, w)
	s.collectZones(out, w, now)
}

type output struct {
	to    chan<- prometheus.Metric
	descs map[string]*prometheus.Desc
}

func (o output) counter(name string, value float64, labels ...string) {
	o.send(name, prometheus.CounterValue, value, labels)
}

func (o output) gauge(name string, value float64, labels ...string) {
	o.send(name, prometheus.GaugeValue, value, labels)
}

func (o output) send(name string, kind prometheus.ValueType, value float64, labels []string) {
	o.to <- prometheus.MustNewConstMetric(o.descs[name], kind, value, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func collectNodes(out output, w *simulator.World) {
	for _, n := range w.Nodes() {
		if n.State != "" {
			out.gauge("node_up", truth(n.State == "up"), n.Name, string(n.Role))
		}
		if n.Role != simulator.RoleResolver {
			continue
		}
		r, err := w.Resolver(n.Name)
		if err != nil {
			continue // it has not been started yet
		}
		cache := r.CacheStats()
		out.counter("cache_hits_total", float64(cache.Hits), n.Name)
		out.counter("cache_misses_total", float64(cache.Misses), n.Name)
		out.gauge("cache_entries", float64(cache.Entries), n.Name)
		out.gauge("cache_size_bytes", float64(cache.Bytes), n.Name)
		out.gauge("cache_limit_bytes", float64(cache.MaxBytes), n.Name)
	}
}

// mostLabels is how many labels of faults are told apart. Somebody who injects by program may think of a new one each
// time; those beyond are told together.
const mostLabels = 100

func collectFaults(out output, w *simulator.World) {
	type key struct{ fault, label string }
	type counts struct {
		seen, matched, changed int64
		active                 bool
	}
	sums := map[key]*counts{}
	for _, f := range w.Faults() {
		k := key{f.Name(), strings.ToValidUTF8(f.Label(), "\ufffd")} // one that is no text would spoil all metrics
		if sums[k] == nil && len(sums) >= mostLabels {
			k.label = other
		}
		if sums[k] == nil {
			sums[k] = &counts{}
		}
		c := f.Counts()
		sum := sums[k]
		sum.seen += c.Seen
		sum.matched += c.Matched
		sum.changed += c.Changed
		sum.active = sum.active || f.Active()
	}
	for k, sum := range sums {
		out.gauge("fault_active", truth(sum.active), k.fault, k.label)
		out.counter("fault_seen_total", float64(sum.seen), k.fault, k.label)
		out.counter("fault_matched_total", float64(sum.matched), k.fault, k.label)
		out.counter("fault_changed_total", float64(sum.changed), k.fault, k.label)
	}
}

func (s *state) collectZones(out output, w *simulator.World, now time.Time) {
	for _, server := range w.Scenario().World.Servers {
		a, err := w.Authoritative(server.Name)
		if err != nil {
			continue
		}
		for _, id := range a.Zones() {
			status, err := a.Status(id.View, id.Origin)
			if err != nil {
				continue
			}
			labels := []string{id.Origin, server.Name, id.View}
			out.gauge("zone_loaded", truth(status.Loaded), labels...)
			if !status.Primary && !status.Expires.IsZero() {
				out.gauge("zone_expiry_seconds", status.Expires.Sub(now).Seconds(), labels...)
			}
			if status.Loaded || status.Serial != 0 {
				out.gauge("zone_serial", float64(status.Serial), labels...)
			}
			if end, ok := s.firstEnd(place{server.Name, id.View, id.Origin}, a.Zone(id.View, id.Origin)); ok {
				// Within 68 years either way of now (RFC 1982).
				left := time.Duration(int32(end-uint32(now.Unix()))) * time.Second
				out.gauge("zone_signature_expiry_seconds", (left - now.Sub(now.Truncate(time.Second))).Seconds(), labels...)
			}
		}
	}
}

// firstEnd is when the first signature of a zone ends; ok is false where there is none. It looks through a zone once.
func (s *state) firstEnd(at place, z *zone.Zone) (first uint32, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if z == nil {
		delete(s.ends, at)
		return 0, false
	}
	if known := s.ends[at]; known.zone == z {
		return known.first, known.some
	}
	found := signatures{zone: z}
	for set := range z.RRsets() {
		for _, rr := range set.Sigs {
			if sig := rr.Expiration; !found.some || int32(sig-found.first) < 0 {
				found.first, found.some = sig, true
			}
		}
	}
	s.ends[at] = found
	return found.first, found.some
}
