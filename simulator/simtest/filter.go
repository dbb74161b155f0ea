package simtest

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator/network"
)

// Filter picks queries. An empty field takes all; one with a word that nothing can ever have, such as the name of a node
// that the world does not have, fails the test: it would find nothing, whatever happened.
type Filter struct {
	Node    string // who was asked: a node's name, or an address
	From    string // who asked: a node's name, or an address
	Name    string // with or without the dot at its end; "*.example.org" is all below example.org
	Type    string // "A"
	Network string // "udp" or "tcp"
	Fate    string // "delivered", "dropped", "refused" or "unreachable"
	Rcode   string // "NOERROR"
	// After takes what was asked after that mark.
	After Mark
}

// check tells what a filter has that nothing can match.
func (w *World) check(f Filter) error {
	for field, name := range map[string]string{"Node": f.Node, "From": f.From} {
		if name == "" {
			continue
		}
		if _, err := w.target(name); err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
	}
	if err := oneOf("Network", f.Network, "udp", "tcp"); err != nil {
		return err
	}
	if err := oneOf("Fate", f.Fate, network.Delivered.String(), network.Dropped.String(), network.Refused.String(), network.Unreachable.String()); err != nil {
		return err
	}
	kind, code := strings.ToUpper(f.Type), strings.ToUpper(f.Rcode)
	if _, known := dns.StringToType[kind]; kind != "" && !known && !strings.HasPrefix(kind, "TYPE") {
		return fmt.Errorf("type %q: want a record type such as AAAA", f.Type)
	}
	if _, known := dns.StringToRcode[code]; code != "" && !known && !strings.HasPrefix(code, "RCODE") {
		return fmt.Errorf("rcode %q: want a response code such as SERVFAIL%s", f.Rcode, scenarios.DidYouMean(code, []string{"NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "NOTAUTH"}))
	}
	return nil
}

func oneOf(field, word string, words ...string) error {
	if word == "" {
		return nil
	}
	for _, w := range words {
		if strings.EqualFold(w, word) {
			return nil
		}
	}
	return fmt.Errorf("%s %q: want one of %s%s", strings.ToLower(field), word, strings.Join(words, ", "), scenarios.DidYouMean(word, words))
}
