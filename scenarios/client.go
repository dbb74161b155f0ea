package scenarios

import (
	"net/netip"
	"strconv"
	"strings"
)

// client reads [client.NAME].
func (l *loader) client(n *node) Client {
	c := Client{Name: n.name, Pos: n.keyPosition()}
	f := l.fields(n, "client "+quote(n.name))
	if f == nil {
		return c
	}
	c.Addresses = l.inhabit(f, clientNode)
	c.LocalStub = l.upstreams(f, "local_stub", false)
	c.Nameservers = l.upstreams(f, "nameservers", len(c.LocalStub) > 0)
	if len(c.Nameservers) == 0 && len(c.LocalStub) > 0 {
		c.Nameservers = []netip.Addr{localStub()}
	}
	if len(c.Nameservers) == 0 && !f.has("nameservers") && !f.has("local_stub") {
		l.errorf(c.Pos, "the client %s has nobody to ask: give it nameservers or a local_stub", quote(n.name))
	}
	const most = 3 // glibc's MAXNS
	if at := f.n.child("nameservers"); len(c.Nameservers) > most {
		l.warnf(at.position(), "nameservers: glibc reads the first %d and ignores the rest", most)
	}
	search, _ := f.list("search")
	for _, e := range search {
		if err := checkName(e.string()); err != nil {
			l.errorf(e.position(), "search: %v", err)
			continue
		}
		c.Search = append(c.Search, e.string())
	}
	if options, at := f.text("options"); at != nil {
		c.Options = options
		l.options(at)
	}
	hosts, _ := f.list("hosts")
	for _, e := range hosts {
		if line, ok := l.hostsLine(e); ok {
			c.Hosts = append(c.Hosts, line)
		}
	}
	f.done()
	return c
}

// localStub is where systemd-resolved's stub and its like listen on a client.
func localStub() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 53}) }

// upstreams reads the addresses that a client asks. Some that nobody answers at are a mistake that people make, and so
// is what a scenario may want to show; hence a warning. local says that the client's own stub is one.
func (l *loader) upstreams(f *fields, name string, local bool) []netip.Addr {
	list, _ := f.list(name)
	var addresses []netip.Addr
	for _, e := range list {
		if a, err := netip.ParseAddr(e.string()); err == nil && a == localStub() {
			if local {
				addresses = append(addresses, a)
			} else {
				l.errorf(e.position(), "%s: nothing listens at %v on this client; give it a local_stub", name, a)
			}
			continue
		}
		a, ok := l.address(e)
		if !ok {
			continue
		}
		addresses = append(addresses, a)
		l.later = append(l.later, func() { l.answers(e, name, a) })
	}
	return addresses
}

// answers checks that something at the address speaks DNS.
func (l *loader) answers(n *node, name string, a netip.Addr) {
	switch who, ok := l.addresses[a]; {
	case !ok:
		l.warnf(n.position(), "%s: no node has the address %v, so nobody will answer there", name, a)
	case who.kind == clientNode:
		l.warnf(n.position(), "%s: %v is the client %s, which answers nobody", name, a, quote(who.name))
	case who.kind == webNode:
		l.warnf(n.position(), "%s: %v is the web host %s, which answers HTTP and no DNS", name, a, quote(who.name))
	}
}

// options checks resolv.conf's options (resolv.conf(5)): the words glibc knows, and that it would not cap a number
// silently.
func (l *loader) options(n *node) {
	plain := []string{"rotate", "edns0", "use-vc", "single-request", "single-request-reopen", "no-tld-query", "trust-ad",
		"no-aaaa", "no-reload", "no-check-names", "inet6", "debug"}
	numbers := map[string]int{"ndots": 15, "timeout": 30, "attempts": 5} // the most that glibc takes
	all := append([]string{"ndots:N", "timeout:N", "attempts:N"}, plain...)
	known := make(map[string]bool, len(plain))
	for _, word := range plain {
		known[word] = true
	}
	for at, word := range words(n.string()) {
		name, value, numbered := strings.Cut(word, ":")
		most, takesNumber := numbers[name]
		switch i, err := strconv.Atoi(value); {
		case !numbered && known[word]:
		case numbered && takesNumber && err == nil && i >= 0 && i <= most:
		case takesNumber:
			l.errorf(n.within(at), "options: expected %s:N with N up to %d, which is glibc's own limit, found %s", name, most, quote(word))
		default:
			l.errorf(n.within(at), "options: resolv.conf knows no %s%s", quote(word), suggest(word, all))
		}
	}
}

// words gives the words of a text with their offsets.
func words(s string) func(yield func(at int, word string) bool) {
	return func(yield func(int, string) bool) {
		for at := 0; at < len(s); {
			if strings.IndexByte(" \t\r\n", s[at]) >= 0 {
				at++
				continue
			}
			end := strings.IndexAny(s[at:], " \t\r\n")
			if end < 0 {
				end = len(s) - at
			}
			if !yield(at, s[at:at+end]) {
				return
			}
			at += end
		}
	}
}

// hostsLine reads a line of /etc/hosts: an address and its names.
func (l *loader) hostsLine(n *node) (HostsLine, bool) {
	var line HostsLine
	parts := strings.Fields(n.string())
	if len(parts) < 2 {
		l.errorf(n.position(), `hosts: expected an address and names, such as "10.0.9.9 api.example.org api", found %s`, quote(n.string()))
		return line, false
	}
	a, err := netip.ParseAddr(parts[0])
	if err != nil {
		l.errorf(n.position(), "hosts: expected an address first, found %s", quote(parts[0]))
		return line, false
	}
	for at, name := range words(n.string()) {
		if err := checkName(name); err != nil {
			l.errorf(n.within(at), "hosts: %v", err)
			return line, false
		}
	}
	return HostsLine{Address: a, Names: parts[1:]}, true
}
