package scenarios

import (
	"net/netip"
	"slices"
	"time"
)

// Policies are what a resolver's operator may set beside its zones and routes. The zero value of each is the resolver's
// own default.
type Policies struct {
	// Whom it answers, and what.
	Access          []AccessRule // the longest prefix counts; Resolver.Allow must allow, too
	NonRecursive    string       // of queries without RD: "cache" (default), "refuse" or "referral"
	Local           []string     // records in master-file form, told whoever else says what
	LocalZones      []LocalZone
	SpecialNames    string // "usual" (default), "all" or "none": RFC 6761, RFC 6303
	Version, ID     string // what version.bind and id.server tell; empty: nothing
	MaxUDPSize      uint16 // octets, the most that a client gets over UDP
	FullResponses   bool
	AllANY          bool // ANY gets all that servers say, instead of RFC 8482\'s next to nothing
	ClientCookies   bool // clients that send a DNS cookie get one (RFC 7873)
	NoKeySentinel   bool // RFC 8509 is not spoken
	MaxWaiting      int  // clients that wait for what is not in the cache
	DropWaiting     bool // those beyond get nothing, instead of SERVFAIL
	MinNegativeTTL  time.Duration
	FailureTTL      time.Duration // for how long a failure is remembered at first,
	MaxFailureTTL   time.Duration // and at last
	CacheBytes      int64
	PrefetchTrigger time.Duration // how much life is left when data is got anew
	PrefetchLife    time.Duration // the least whole life of such data
	Stale           Stale

	// How it asks, and whom it believes.
	NoIPv4             bool
	NoPriming          bool
	MinimisationType   uint16 // 0: A
	BelowNXDOMAIN      string // "secure" (default), "always" or "never" (RFC 8020)
	Cookies            bool   // RFC 7873
	RandomCase         bool   // 0x20
	AuthorityNS        bool   // NS records beside an answer take the place of the delegation\'s (RFC 2181 section 5.4.1)
	SHA1               bool   // algorithms 5 and 7 are checked
	MaxNSEC3Iterations uint16 // RFC 9276
	UpstreamUDPSize    uint16 // octets, what servers are told
	LameTTL            time.Duration
	ForgetLame         bool // LameTTL = 0: not remembered
	Skew               time.Duration
	TrustAnchors       []string // signed zones of the world whose keys are trusted beside the root's
	AnchorUpdates      bool     // RFC 5011
	AnchorAddHoldDown  time.Duration
	AnchorKeepRevoked  time.Duration
	Limits             Limits
}

// AccessRule is what becomes of the queries from a subnet: "allow", "refuse" or "drop".
type AccessRule struct {
	Prefix netip.Prefix
	Action string
}

// LocalZone is a name with all below it that the resolver answers by itself. Type says what becomes of names without
// local data: "static", "transparent", "redirect", "nodata", "nxdomain" or "refuse". EDE and Text, if EDE is not 0, go with it.
type LocalZone struct {
	Name, Type string
	EDE        uint16
	Text       string
}

// Stale is how expired data is told, once it is (Resolver.ServeStale).
type Stale struct {
	Answer      string // "after-timer" (default), "at-once" or "after-failure"
	ClientTimer time.Duration
	TTL         time.Duration
	Recheck     time.Duration
	Reset       bool // each failure lengthens it
	NotForBogus bool
}

// Limits bound what one question may cost.
type Limits struct {
	Time                                              time.Duration
	Queries, Links, Depth, ServerDepth, ServerLookups int
	ZoneLookups, ZoneQueries, Tries, Referrals        int
}

// policies reads the keys of [resolver.NAME] that Policies has.
func (l *loader) policies(f *fields, r *Resolver) {
	p := &r.Policies
	p.Access = l.access(f)
	p.NonRecursive = l.choice(f, "non_recursive", "cache", "refuse", "referral")
	p.Local = l.local(f)
	p.LocalZones = l.localZones(f)
	p.SpecialNames = l.choice(f, "special_names", "usual", "all", "none")
	p.Version, _ = f.text("version")
	p.ID, _ = f.text("id")
	p.MaxUDPSize = l.udpSize(f, "max_udp_size")
	p.FullResponses = !f.flagOr("minimal_responses", true)
	p.AllANY = l.choice(f, "any", "minimal", "all") == "all"
	p.ClientCookies = f.flagOr("client_cookies", false)
	p.NoKeySentinel = !f.flagOr("key_sentinel", true)
	if n, at := f.integer("max_waiting", 1, 1<<20); at != nil {
		p.MaxWaiting = int(n)
	}
	p.DropWaiting = f.flagOr("drop_waiting", false)
	p.MinNegativeTTL = l.ttl(f, "min_negative_ttl")
	p.FailureTTL = l.ttl(f, "failure_ttl")
	p.MaxFailureTTL = l.ttl(f, "max_failure_ttl")
	if p.MaxFailureTTL > 0 && p.FailureTTL > p.MaxFailureTTL {
		at, _ := f.place("failure_ttl")
		l.errorf(at, "failure_ttl %s is more than max_failure_ttl %s", formatDuration(p.FailureTTL), formatDuration(p.MaxFailureTTL))
	}
	if r.MaxNegativeTTL > 0 && p.MinNegativeTTL > r.MaxNegativeTTL {
		at, _ := f.place("min_negative_ttl")
		l.errorf(at, "min_negative_ttl %s is more than max_negative_ttl %s", formatDuration(p.MinNegativeTTL), formatDuration(r.MaxNegativeTTL))
	}
	p.CacheBytes, _ = f.integer("cache_bytes", 1<<16, 1<<40)
	p.PrefetchTrigger = l.whenOn(f, "prefetch_trigger", "prefetch", r.Prefetch)
	p.PrefetchLife = l.whenOn(f, "prefetch_life", "prefetch", r.Prefetch)
	l.stale(f, r)
	l.asking(f, r)
}

// asking reads how servers are asked, and believed.
func (l *loader) asking(f *fields, r *Resolver) {
	p := &r.Policies
	p.NoIPv4 = !f.flagOr("ipv4", !r.onlyIPv6())
	if p.NoIPv4 && !r.IPv6 {
		if at, given := f.place("ipv4"); given {
			l.errorf(at, "ipv4 = false: the resolver could ask nobody; it needs ipv6 = true then")
		} else {
			at, _ = f.place("ipv6")
			l.errorf(at, "ipv6 = false: the resolver could ask nobody, as it has no IPv4 address; leave it out, or give it one")
		}
	}
	p.NoPriming = !f.flagOr("prime", true)
	if word, n := f.text("qname_minimisation_type"); n != nil {
		t, ok := rrtype(word)
		if p.MinimisationType = t; !ok {
			l.errorf(n.position(), "qname_minimisation_type: %s", unknownType(word))
		} else if r.QNAMEMinimisation == "" || r.QNAMEMinimisation == "off" {
			l.errorf(n.position(), "qname_minimisation_type says what is asked for instead, and nothing is without qname_minimisation = %s or %s", quote("relaxed"), quote("strict"))
		}
	}
	p.BelowNXDOMAIN = l.choice(f, "below_nxdomain", "secure", "always", "never")
	p.Cookies = f.flagOr("cookies", false)
	p.RandomCase = f.flagOr("random_case", false)
	p.AuthorityNS = f.flagOr("authority_ns", false)
	p.SHA1 = f.flagOr("sha1", false)
	iterations, _ := f.integer("max_nsec3_iterations", 1, 65535)
	p.MaxNSEC3Iterations = uint16(iterations)
	for _, key := range []string{"sha1", "max_nsec3_iterations"} {
		if f.has(key) && !r.Validate {
			at, _ := f.place(key)
			l.errorf(at, "%s is about what is validated, and this resolver validates nothing: it has validate = false", key)
		}
	}
	p.UpstreamUDPSize = l.udpSize(f, "upstream_udp_size")
	var lame *node
	p.LameTTL, lame = f.duration("lame_ttl")
	p.ForgetLame = lame != nil && p.LameTTL == 0
	p.Skew = l.whenOn(f, "skew", "validate", r.Validate)
	p.TrustAnchors = l.trustAnchors(f, r)
	p.AnchorUpdates = f.flagOr("anchor_updates", false)
	if p.AnchorUpdates && !r.Validate {
		at, _ := f.place("anchor_updates")
		l.errorf(at, "anchor_updates has trust anchors follow their zones' keys (RFC 5011), and this resolver has none: it has validate = false")
	}
	p.AnchorAddHoldDown = l.whenOn(f, "anchor_add_hold_down", "anchor_updates", p.AnchorUpdates)
	p.AnchorKeepRevoked = l.whenOn(f, "anchor_remove_hold_down", "anchor_updates", p.AnchorUpdates)
	p.Limits = l.limits(f)
}

// trustAnchors reads the zones whose keys are trusted, whatever is said above them.
func (l *loader) trustAnchors(f *fields, r *Resolver) []string {
	list, n := f.list("trust_anchors")
	if n != nil && !r.Validate {
		l.errorf(n.keyPosition(), "trust_anchors says whose keys are trusted, and this resolver validates nothing: it has validate = false")
	}
	var zones []string
	for _, e := range list {
		zone := canonical(e.string())
		if zone == "." {
			continue // that one always is
		}
		zones = append(zones, zone)
		l.later = append(l.later, func() {
			if l.knownZone(e) && !slices.ContainsFunc(l.zones[zone], func(at place) bool { return at.signed }) {
				l.errorf(e.position(), "trust_anchors: the zone %s is not signed, so it has no keys to trust; write signed = true where its data is", quote(zone))
			}
		})
	}
	return zones
}

// choice reads a key that is one of some words; empty: it is not there, or wrong.
func (l *loader) choice(f *fields, name string, words ...string) string {
	word, n := f.text(name)
	if n == nil {
		return ""
	}
	return l.oneWord(n, name, word, words)
}

func (l *loader) oneWord(n *node, name, word string, words []string) string {
	for _, w := range words {
		if w == word {
			return word
		}
	}
	l.errorf(n.position(), "unknown %s %s%s", name, quote(word), suggest(word, words))
	return ""
}

// whenOn reads a duration above 0 that means something only with a flag.
func (l *loader) whenOn(f *fields, name, flag string, on bool) time.Duration {
	d, n := f.duration(name)
	switch {
	case n == nil:
		return 0
	case !on:
		l.errorf(n.position(), "%s means nothing without %s = true", name, flag)
	case d == 0:
		l.errorf(n.position(), "%s: expected more than 0; left out it is the resolver's own default", name)
	}
	return d
}

// udpSize reads a message size (RFC 6891 section 6.2.3).
func (l *loader) udpSize(f *fields, name string) uint16 {
	n, _ := f.integer(name, 512, 65535)
	return uint16(n)
}

// stale reads how expired data is told.
func (l *loader) stale(f *fields, r *Resolver) {
	s := &r.Stale
	words := []string{"after-timer", "at-once", "after-failure"}
	if word, n := f.text("stale_answer"); n != nil {
		s.Answer = l.oneWord(n, "stale_answer", word, words)
		if !r.ServeStale {
			l.errorf(n.position(), "stale_answer means nothing without serve_stale = true")
		}
	}
	s.ClientTimer = l.whenOn(f, "stale_client_timer", "serve_stale", r.ServeStale)
	s.TTL = l.whenOn(f, "stale_ttl", "serve_stale", r.ServeStale)
	if s.TTL%time.Second != 0 {
		at, _ := f.place("stale_ttl")
		l.errorf(at, "stale_ttl: a TTL is a whole number of seconds (RFC 2181 section 8), not %s", formatDuration(s.TTL))
	}
	s.Recheck = l.whenOn(f, "stale_recheck", "serve_stale", r.ServeStale)
	s.Reset = f.flagOr("stale_reset", false)
	s.NotForBogus = !f.flagOr("stale_for_bogus", true)
	for _, key := range []string{"stale_reset", "stale_for_bogus"} {
		if f.has(key) && !r.ServeStale {
			at, _ := f.place(key)
			l.errorf(at, "%s means nothing without serve_stale = true", key)
		}
	}
}

// access reads what becomes of queries by where they come from.
func (l *loader) access(f *fields) []AccessRule {
	var rules []AccessRule
	first := make(map[netip.Prefix]Position)
	for _, e := range f.named("access") {
		p, message := parsePrefix(e.name)
		if message != "" {
			l.errorf(e.keyPosition(), "access: %s", message)
			continue
		}
		if at, twice := first[p]; twice {
			l.errorf(e.keyPosition(), "access: %s is there twice: at %v too", quote(e.name), at)
			continue
		}
		first[p] = e.keyPosition()
		action, ok := e.plain.(string)
		if !ok {
			l.wrong(e, `"allow", "refuse" or "drop"`)
			continue
		}
		if action = l.oneWord(e, "access", action, []string{"allow", "refuse", "drop"}); action != "" {
			rules = append(rules, AccessRule{p, action})
		}
	}
	return rules
}

// local reads local data: records with absolute names.
func (l *loader) local(f *fields) []string {
	list, _ := f.list("local")
	var records []string
	for _, e := range list {
		if err := record(e.string(), "."); err != nil {
			l.errorf(e.position(), "local: %v", err)
			continue
		}
		records = append(records, e.string())
	}
	return records
}

// localZones reads local zones: a type, or a table with the type and an extended error.
func (l *loader) localZones(f *fields) []LocalZone {
	types := []string{"static", "transparent", "redirect", "nodata", "nxdomain", "refuse"}
	var zones []LocalZone
	first := make(map[string]Position)
	for _, e := range f.named("local_zone") {
		z := LocalZone{Name: canonical(e.name)}
		if message := badRoute(e, "local_zone"); message != "" {
			l.errorf(e.keyPosition(), "%s", message)
			continue
		}
		if at, twice := first[z.Name]; twice {
			l.errorf(e.keyPosition(), "local_zone: %s is there twice: at %v too", quote(z.Name), at)
			continue
		}
		first[z.Name] = e.keyPosition()
		if word, ok := e.plain.(string); ok {
			z.Type = l.oneWord(e, "local_zone", word, types)
		} else if e.shape == table {
			t := l.fields(e, "local_zone "+quote(z.Name))
			if z.Type = l.choice(t, "type", types...); !t.has("type") {
				l.errorf(e.keyPosition(), "local_zone %s: there is no type; expected %s", quote(z.Name), oneOf(types))
			}
			code, at := t.integer("ede", 1, 65535)
			z.EDE = uint16(code)
			var text *node
			if z.Text, text = t.text("text"); text != nil && at == nil {
				l.errorf(text.position(), "text goes with an extended error: write its code too, such as ede = 15 (RFC 8914 section 4.16)")
			}
			t.done()
		} else {
			l.wrong(e, `a type such as "nxdomain", or a table with type, ede and text`)
			continue
		}
		if z.Type != "" {
			zones = append(zones, z)
		}
	}
	return zones
}

// limits reads what one question may cost.
func (l *loader) limits(f *fields) Limits {
	var m Limits
	n := f.get("limits")
	if n == nil {
		return m
	}
	t := l.fields(n, "limits")
	if t == nil {
		return m
	}
	var at *node
	if m.Time, at = t.duration("time"); at != nil && m.Time == 0 {
		l.errorf(at.position(), "time: expected more than 0; left out it is the resolver's own default")
	}
	for _, k := range []struct {
		name string
		to   *int
	}{{"queries", &m.Queries}, {"links", &m.Links}, {"depth", &m.Depth}, {"server_depth", &m.ServerDepth},
		{"server_lookups", &m.ServerLookups}, {"zone_lookups", &m.ZoneLookups}, {"zone_queries", &m.ZoneQueries},
		{"tries", &m.Tries}, {"referrals", &m.Referrals}} {
		i, _ := t.integer(k.name, 1, 1_000_000)
		*k.to = int(i)
	}
	t.done()
	return m
}
