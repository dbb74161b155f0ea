package resolver

import (
	"strings"

	"github.com/miekg/dns"
)

// chaos answers the questions of class CHAOS that tell servers apart (RFC 4892); nil: this is none of them, or is not
// told.
func (r *Resolver) chaos(asked dns.Question) []dns.RR {
	text := ""
	switch strings.ToLower(asked.Name) {
	case "version.bind.", "version.server.":
		text = r.cfg.Version
	case "id.server.", "hostname.bind.":
		text = r.cfg.ID
	}
	if text == "" || asked.Qtype != dns.TypeTXT && asked.Qtype != dns.TypeANY {
		return nil
	}
	return []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: asked.Name, Rrtype: dns.TypeTXT, Class: dns.ClassCHAOS}, Txt: []string{text}}}
}
