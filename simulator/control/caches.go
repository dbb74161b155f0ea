package control

import (
	"net/http"
	"strings"

	"github.com/miekg/dns"
)

// Caches are the caches of the world's resolvers.
type Caches struct {
	Caches []CacheSize `json:"caches"`
}

// CacheSize is how much a resolver remembers.
type CacheSize struct {
	Resolver string `json:"resolver"`
	Entries  int    `json:"entries"`
}

// Cache is a part of what a resolver remembers, in canonical order of names.
type Cache struct {
	Resolver string       `json:"resolver"`
	Total    int          `json:"total"`
	Offset   int          `json:"offset"`
	Entries  []CacheEntry `json:"entries"`
	// Next is the offset to go on from; null: these were all.
	Next *int `json:"next"`
}

// CacheEntry is what a resolver knows of a name and type.
type CacheEntry struct {
	Name   string `json:"name"`
	Type   string `json:"type"` // "ANY" for a name that does not exist
	TTL    uint32 `json:"ttl"`  // what is left, in seconds
	Kind   string `json:"kind"` // positive, NODATA, NXDOMAIN, failure
	Status string `json:"status"`
	Rank   string `json:"rank"`
	// EDE are the extended errors that clients are told because of it.
	EDE     []ExtendedError `json:"ede"`
	Records []string        `json:"records"`
}

// ExtendedError is an Extended DNS Error (RFC 8914).
type ExtendedError struct {
	Code uint16 `json:"code"`
	Name string `json:"name"`
	Text string `json:"text"`
}

func extendedError(e *dns.EDNS0_EDE) ExtendedError {
	return ExtendedError{e.InfoCode, dns.ExtendedErrorCodeToString[e.InfoCode], e.ExtraText}
}

func caches(c *call) (any, error) {
	out := Caches{[]CacheSize{}}
	for _, s := range c.world().Scenario().World.Resolvers {
		r, err := c.world().Resolver(s.Name)
		if err != nil {
			return nil, err
		}
		out.Caches = append(out.Caches, CacheSize{s.Name, r.CacheLen()})
	}
	return out, nil
}

// oneCache tells a page of a resolver's cache: of all, or of the names at and below ?name=.
func oneCache(c *call) (any, error) {
	const most, standard = 5000, 500
	name := c.r.PathValue("resolver")
	r, err := c.world().Resolver(name)
	if err != nil {
		return nil, c.noNode("resolver", name, "resolver")
	}
	offset, limit, err := c.page("offset", most, standard)
	if err != nil {
		return nil, err
	}
	below := c.r.URL.Query().Get("name")
	if below != "" {
		if _, ok := dns.IsDomainName(below); !ok {
			return nil, refuse(http.StatusBadRequest, badRequest, "", "name=%s: want a domain name", clip(below))
		}
		below = dns.CanonicalName(below)
	}
	out := Cache{Resolver: name, Offset: offset, Entries: []CacheEntry{}}
	for _, e := range r.Dump() {
		if below != "" && !dns.IsSubDomain(below, e.Name) {
			continue
		}
		at := out.Total
		if out.Total++; at < offset || at >= offset+limit {
			continue
		}
		one := CacheEntry{Name: e.Name, Type: "ANY", TTL: e.TTL, Kind: e.Kind.String(), Status: e.Status.String(), Rank: e.Rank.String(),
			EDE: []ExtendedError{}, Records: []string{}}
		if e.Type != dns.TypeNone {
			one.Type = dns.Type(e.Type).String()
		}
		for i := range e.EDE {
			one.EDE = append(one.EDE, extendedError(&e.EDE[i]))
		}
		for _, rr := range e.RRs {
			one.Records = append(one.Records, record(rr))
		}
		out.Entries = append(out.Entries, one)
	}
	if next := offset + len(out.Entries); next < out.Total && len(out.Entries) > 0 {
		out.Next = &next
	}
	return out, nil
}

// record is a record in a line.
func record(rr dns.RR) string { return strings.ReplaceAll(rr.String(), "\t", " ") }
