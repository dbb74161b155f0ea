package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"faultzone/authoritative/zone"
)

// edit reads an edit step: the zone, where it is edited, and what changes.
func (l *loader) edit(f *fields) EditStep {
	var s EditStep
	_, n := f.text("edit")
	if n != nil && l.knownZone(n) {
		s.Zone = canonical(n.string())
		if !slices.ContainsFunc(l.zones[s.Zone], func(at place) bool { return at.primary }) {
			l.errorf(n.position(), "edit: the zone %s has no primary in this world", s.Zone)
		}
	}
	if on := l.target(f, "on", serverNode); on != nil {
		s.On = on.string()
		if s.Zone != "" && !l.servedBy(s.Zone, s.On, "primary") {
			l.errorf(on.position(), "on: the server %s is no primary of %s%s", quote(s.On), s.Zone, l.whoServes(s.Zone, "primary"))
		}
	}
	if _, view := f.text("view"); view != nil && l.knownView(view, s.On, s.Zone) {
		s.View = view.string()
	}
	s.Add = l.changes(f, "add", s.Zone, record)
	s.Delete = l.changes(f, "delete", s.Zone, deletion)
	s.Replace = l.changes(f, "replace", s.Zone, record)
	if !f.has("add") && !f.has("delete") && !f.has("replace") {
		l.errorf(f.n.position(), "the edit changes nothing: write add, delete or replace")
	}
	return s
}

// changes reads a list of changes, each of which read checks. Without a zone, because that is wrong already, they are
// not looked at.
func (l *loader) changes(f *fields, key, origin string, read func(text, origin string) error) []string {
	list, _ := f.list(key)
	if origin == "" {
		return nil
	}
	for _, e := range list {
		if err := read(e.string(), origin); err != nil {
			l.errorf(e.position(), "%s: %v", key, err)
		}
	}
	return texts(list)
}

// record checks one record in master-file form (RFC 1035 section 5.1). Relative names end in the zone's.
func record(text, origin string) error {
	if strings.HasPrefix(strings.TrimSpace(text), "$") {
		return fmt.Errorf("expected a record, found the directive %s", quote(text))
	}
	const anyTTL = "$TTL 3600\n" // one that says none gets the zone's
	rrs, err := zone.Parse(strings.NewReader(anyTTL+text+"\n"), origin, "")
	if err != nil {
		why := err.Error()
		if syntax := (*zone.ParseError)(nil); errors.As(err, &syntax) {
			why = syntax.Msg
		}
		return fmt.Errorf(`expected a record such as "www 300 IN A 192.0.2.1", found %s: %s`, quote(text), why)
	}
	if len(rrs) != 1 {
		return fmt.Errorf(`expected one record such as "www 300 IN A 192.0.2.1", found %d in %s`, len(rrs), quote(text))
	}
	return inZone(rrs[0].Header().Name, origin)
}

func inZone(name, origin string) error {
	if dns.IsSubDomain(origin, canonical(name)) {
		return nil
	}
	return fmt.Errorf("the name %s is not in the zone %s", quote(name), origin)
}

// deletion checks NAME, NAME TYPE or NAME TYPE RDATA.
func deletion(text, origin string) error {
	parts := strings.Fields(text)
	if len(parts) == 0 {
		return fmt.Errorf(`expected "NAME", "NAME TYPE" or "NAME TYPE RDATA", found %s`, quote(text))
	}
	if err := checkName(parts[0]); err != nil && parts[0] != "@" {
		return err
	}
	if err := inZone(inside(parts[0], origin), origin); err != nil {
		return err
	}
	if len(parts) == 1 {
		return nil
	}
	t, ok := rrtype(parts[1])
	if !ok {
		return fmt.Errorf("%s", unknownType(parts[1]))
	}
	if len(parts) == 2 {
		return nil
	}
	rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), parts[0]))
	_, err := rdata(strings.TrimSpace(rest[len(parts[1]):]), t, origin)
	return err
}

// inside makes a name absolute as a master file does.
func inside(name, origin string) string {
	switch {
	case name == "@":
		return origin
	case dns.IsFqdn(name):
		return name
	case origin == ".":
		return name + "."
	}
	return name + "." + origin
}

// rdata gives a type's data in the form in which it is printed.
func rdata(text string, rrtype uint16, origin string) (string, error) {
	rrs, err := zone.Parse(strings.NewReader(". 0 IN "+dns.Type(rrtype).String()+" "+text+"\n"), origin, "")
	if err != nil || len(rrs) != 1 || strings.Contains(text, "\n") {
		return "", fmt.Errorf("%s is not the data of a record of type %s", quote(text), dns.Type(rrtype))
	}
	return strings.TrimPrefix(rrs[0].String(), rrs[0].Header().String()), nil
}
