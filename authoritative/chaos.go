package authoritative

import (
	"strings"

	"github.com/miekg/dns"
)

// Chaos is what a server says of itself, in TXT records of class CHAOS (RFC 4892). What is empty is REFUSED.
type Chaos struct {
	Version  string // version.bind and version.server
	Hostname string // hostname.bind
	ID       string // id.server
}

func (c *Chaos) text(name string) string {
	switch strings.ToLower(name) {
	case "version.bind.", "version.server.":
		return c.Version
	case "hostname.bind.":
		return c.Hostname
	case "id.server.":
		return c.ID
	}
	return ""
}

// describe answers a question of class CHAOS, and tells whether it could.
func (s *Server) describe(a *answer, q dns.Question) bool {
	text := s.chaos.text(q.Name)
	if text == "" || q.Qclass != dns.ClassCHAOS || q.Qtype != dns.TypeTXT && q.Qtype != dns.TypeANY {
		return false
	}
	a.msg.Authoritative = true
	a.msg.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeTXT, Class: dns.ClassCHAOS}, Txt: characterStrings(text)}}
	a.edns.attach(a.msg, nil)
	return true
}

// characterStrings cuts text into pieces of at most 255 octets, and writes them as miekg/dns keeps them: with
// backslashes and quotes escaped.
func characterStrings(text string) []string {
	var list []string
	for {
		piece := text[:min(len(text), 255)]
		text = text[len(piece):]
		list = append(list, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(piece))
		if text == "" {
			return list
		}
	}
}
