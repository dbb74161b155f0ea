package scenarios

import (
	"net/netip"
	"time"
)

// Scenario is one TOML file as plain, validated data: a world, what breaks in it and when, and what must be seen.
type Scenario struct {
	// Name is the built-in's name, or the file's name without its ending.
	Name string
	// Title says in one line what the scenario shows; Text tells the story to whoever reads it.
	Title, Text string
	// Base is the name of the built-in world that the scenario changes; empty for a world of its own.
	Base string
	// Start is the moment of the world's calendar at which the scenario begins, in UTC.
	Start time.Time
	// Seed names every random choice of the world, its keys among them.
	Seed uint64
	// World is the base with the scenario's changes already made to it.
	World World
	// Steps are in order of time.
	Steps []Step
}

// World describes every node, zone and link. Slices are in the order of the file.
type World struct {
	Servers   []Server
	Resolvers []Resolver
	Clients   []Client
	Web       []Web
	Upstream  *Upstream // nil: names outside of the world's zones do not exist
	Keys      []Key
	Links     []Link
	// Vantage holds the addresses that queries come from when a step, or a real client, names no other: the one in
	// the destination's scope is used. Default 10.0.2.100, 203.0.113.100, fd00:2::100 and 2001:db8:cb00::100.
	Vantage []netip.Addr
	// Calendar is the honest signers' time table.
	Calendar Calendar
}

// Calendar says when signatures begin and end: those of period k run from Epoch + k·(Validity−Refresh) for Validity.
type Calendar struct {
	Epoch             time.Time     // default 2026-03-26T12:00:00Z
	Validity, Refresh time.Duration // default 15 and 5 days
	// InceptionOffset is how far before its period a signature begins; default 0.
	InceptionOffset time.Duration
}

// Server is an authoritative server.
type Server struct {
	Name      string
	Addresses []netip.Addr
	// NSID is what it calls itself to those who ask (RFC 5001), and Version and Hostname what version.bind and
	// hostname.bind tell; empty: nothing. Cookies makes it give and check DNS cookies (RFC 7873).
	NSID, Version, Hostname string
	Cookies                 bool
	// Views are in the order in which they are tried. A server written without views has one, named "default",
	// that matches everybody.
	Views []View
	Pos   Position
}

// View is what a server shows to the clients that Match names, in BIND's match-clients words: a prefix, an address,
// "any", "none", "key NAME", each with "!" in front to exclude.
type View struct {
	Name  string
	Match []string
	// Destinations are the addresses of the server under which the view is seen, in the same words; none: all.
	Destinations []string
	Zones        []Zone
	Pos          Position
}

// Zone is one zone on one server: a primary's, with its data, or a secondary's, with its primaries.
type Zone struct {
	Origin string // absolute, lower case, with the trailing dot
	// Data is the master file's text, and File the name to use in errors about it. Both are empty for a secondary.
	Data, File string
	// DNSSEC is nil for a zone that is served as its file is.
	DNSSEC *DNSSEC
	// NoDS keeps the parent from holding a DS for a signed zone.
	NoDS      bool
	Primaries []Primary
	// Transfer says who may transfer the zone, in the words of View.Match; none: nobody.
	Transfer []string
	// Update says who may change the zone by dynamic update (RFC 2136), in the same words; none: nobody.
	Update []string
	// Notify says whom to tell of changes.
	Notify []Primary
	Pos    Position
}

// DNSSEC is how a zone is signed. Zones of one name share their keys in all servers and views of the world.
type DNSSEC struct {
	Algorithm uint8  // 13 (default), 14, 15
	Denial    string // "nsec" (default) or "nsec3"
}

// Primary is the other end of a transfer or a NOTIFY, with the TSIG key used on the way ("" for none).
type Primary struct {
	Address netip.AddrPort
	Key     string
}

// Resolver is a recursive resolver with a cache.
type Resolver struct {
	Name      string
	Addresses []netip.Addr
	// Validate makes it check DNSSEC from the world's root anchor down.
	Validate bool
	// Allow holds who may ask; nil: everybody. Others get REFUSED.
	Allow []netip.Prefix
	// TTL bounds; zero: the resolver's own defaults.
	MinTTL, MaxTTL, MaxNegativeTTL time.Duration
	// IPv6 lets it ask servers over IPv6 too.
	IPv6 bool
	// ServeStale has clients told expired data when there is no fresher (RFC 8767), for MaxStale after its end at most;
	// zero: the resolver's own default.
	ServeStale bool
	MaxStale   time.Duration
	// Prefetch has it get data anew before it expires.
	Prefetch bool
	// AggressiveNSEC has it deny names by NSEC and NSEC3 records that it knows (RFC 8198).
	AggressiveNSEC bool
	// QNAMEMinimisation is "off", "relaxed" or "strict" (RFC 9156); empty: off.
	QNAMEMinimisation string
	// Forward are the zones whose questions go to other resolvers, Stub those whose authoritative servers are given.
	Forward, Stub []Route
	// DomainInsecure are negative trust anchors (RFC 7646).
	DomainInsecure []string
	Policies
	Pos Position
}

// Client is a host with glibc's stub resolver.
type Client struct {
	Name      string
	Addresses []netip.Addr
	// Nameservers, Search and Options are resolv.conf's. Options is as written there: "timeout:2 attempts:3 rotate".
	// Without nameservers, and with a LocalStub, the only one is 127.0.0.53.
	Nameservers []netip.Addr
	Search      []string
	Options     string
	// Hosts is /etc/hosts: an address and its names a line.
	Hosts []HostsLine
	// LocalStub, when not empty, runs a forwarding stub at 127.0.0.53 on the host, which asks these servers.
	LocalStub []netip.Addr
	Pos       Position
}

// HostsLine is one line of /etc/hosts.
type HostsLine struct {
	Address netip.Addr
	Names   []string
}

// Key is a TSIG key (RFC 8945). An empty Secret is derived from the world's seed.
type Key struct {
	Name      string // absolute
	Algorithm string // absolute, as miekg/dns names it: "hmac-sha256."
	Secret    []byte
	Pos       Position
}

// Link gives the one-way latency between two sets of addresses, in both directions. The first that fits counts.
type Link struct {
	Between [2]netip.Prefix
	Latency time.Duration
}

// Kind says what a step does.
type Kind string

// The kinds of step; each is also the key that a step of that kind is written with.
const (
	Inject     Kind = "inject"
	Heal       Kind = "heal"
	Query      Kind = "query"
	Get        Kind = "get"
	Edit       Kind = "edit"
	Advance    Kind = "advance"
	Flush      Kind = "flush"
	Retransfer Kind = "retransfer"
	Roll       Kind = "roll"
	Inspect    Kind = "inspect"
)

// Step is one thing that happens at a time. Only the fields of its Kind are set.
type Step struct {
	At   time.Duration // from the scenario's start
	Kind Kind
	// Note is a line for the reader, printed beside the step.
	Note string
	Pos  Position

	Inject  InjectStep
	Heal    string // the label of an injected fault
	Query   QueryStep
	Get     GetStep
	Edit    EditStep
	Advance time.Duration // the clock is moved on by this much; later steps stand at or after At + Advance
	Flush   FlushStep
	Zone    ZoneStep // Retransfer, and Inspect of a server
	Roll    RollStep
	Inspect string // the node

	// Expect is what a query, a get or an inspection must show; nil for the other kinds.
	Expect *Expect
}

// InjectStep starts a fault.
type InjectStep struct {
	Fault string        // a name of the fault catalogue
	Label string        // what heal calls it ("as"); default: the fault's name
	For   time.Duration // heals itself after this long; 0: it does not
	// Params holds the fault's parameters, typed as the vocabulary says: string, []string, int64, bool,
	// time.Duration or time.Time.
	Params map[string]any
}

// QueryStep asks one question: through a client's stub when Client is set, else like dig at the node or address Via.
type QueryStep struct {
	Name string // as written; absolute for dig, perhaps relative for a client's search list
	Type uint16
	// Via is where the question goes: a node's name or an address. Empty with Client.
	Via string
	// From is where it comes from: a node's name or any address. Default: the world's vantage.
	From string
	// Client is the host whose stub resolver is used.
	Client string
	// dig's switches. RD, AD and EDNS (1232) are on until switched off by +norec, +noad, +noedns.
	DO, CD, TCP, NoRD, NoAD, NoEDNS bool
}

// EditStep changes records of a primary zone through the server's ordinary administration; the serial is raised.
type EditStep struct {
	Zone string // "edit"
	// On is the server; default: each primary of the zone. View is the view; default: each that has the zone.
	On, View string
	// Add holds records in master-file form; Delete "NAME" or "NAME TYPE" or "NAME TYPE RDATA"; Replace records whose
	// RRsets (name and type) take the place of those there.
	Add, Delete, Replace []string
}

// FlushStep empties a resolver's cache: whole, of a name, or of a subtree.
type FlushStep struct {
	Resolver string // "flush"
	Name     string // "" for everything
	Tree     bool   // everything at and below Name
}

// RollStep starts an orderly rollover of one of a zone's keys: of the ZSK by pre-publication, of the KSK with double DS
// (RFC 6781 section 4.1). Deaf is a parent that does not follow the CDS records that ask it to change its DS (RFC 7344).
type RollStep struct {
	Zone      string // "roll"
	KSK, Deaf bool
}

// ZoneStep names a zone on a server.
type ZoneStep struct {
	Server string // "retransfer", or "inspect"
	Zone   string
	View   string // default: each view that has the zone
}

// Expect is what must be seen. A nil or empty field expects nothing.
type Expect struct {
	// Of a query.
	Rcode  string // "NOERROR", "SERVFAIL", …
	Error  string // instead of an answer: "timeout", "refused" (the port), "unreachable"
	AA, AD *bool
	RRSIG  *bool // RRSIGs in the answer section
	// Answer is the set of the rdata of the question's type in the answer section, in presentation form, any order.
	Answer   []string
	NoAnswer bool // answer = []
	// EDE: one of these extended errors is there; 0 alone: none is.
	EDE []uint16
	// TTL and Elapsed are bounds, both included: ttl = 300, ttl = "<=300", "100..300"; elapsed = "2s", ">=2s", "0s..10ms".
	TTL     *Range[uint32]
	Elapsed *Range[time.Duration]
	// Server is the address (or node's name) that gave a client's stub its answer.
	Server string
	// Of a get: the status; Error and Elapsed are as a query's, and "name" is an error too: it could not be looked up.
	Status int
	// Of a zone (inspect).
	Serial  *Range[uint32]
	Expired *bool
	Fresh   *bool // the last refresh succeeded
	// Rollover is how far the last rollover of one of its keys is: "published", "signing", "announced", "parent-has",
	// "swapped", "withdrawn", "done" or "cancelled".
	Rollover string
	// Of a resolver (inspect): what its cache holds, "NAME TYPE" each.
	Cached, NotCached []string
}

// Range is a pair of bounds, both included.
type Range[T any] struct{ Min, Max T }

// Position is where something stands in a file. Line and Column count from 1.
type Position struct {
	File         string
	Line, Column int
}
