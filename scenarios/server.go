package scenarios

import "slices"

// defaultView is the view of a server that is written without views.
const defaultView = "default"

// server reads [server.NAME].
func (l *loader) server(n *node) Server {
	f := l.fields(n, "server "+quote(n.name))
	s := Server{Name: n.name, Pos: n.keyPosition()}
	if f == nil {
		return s
	}
	s.Addresses = l.inhabit(f, serverNode)
	s.NSID, _ = f.text("nsid")
	s.Version, _ = f.text("version")
	s.Hostname, _ = f.text("hostname")
	s.Cookies = f.flagOr("cookies", false)
	order, ordered := f.list("views")
	views := f.named("view")
	zones := f.named("zone")
	switch {
	case len(views) == 0 && ordered != nil:
		l.errorf(ordered.position(), "views: the %s has no view; write [server.%s.view.NAME]", f.what, keyText(n.name))
	case len(views) == 0:
		s.Views = []View{{Name: defaultView, Match: []string{"any"}, Pos: s.Pos, Zones: l.zonesOf(zones, s.Name, defaultView)}}
	case len(zones) > 0:
		l.errorf(zones[0].keyPosition(), "the %s has views, so this zone must stand in one: [server.%s.view.NAME.zone.%s]",
			f.what, keyText(n.name), quote(zones[0].name))
	}
	for _, v := range l.inOrder(f, order, ordered, views) {
		s.Views = append(s.Views, l.view(v, s.Name))
	}
	f.done()
	return s
}

// inOrder puts a server's views into the order that the key views tells.
func (l *loader) inOrder(f *fields, order []*node, ordered *node, views []*node) []*node {
	var names []string
	for _, v := range views {
		names = append(names, v.name)
	}
	if ordered == nil {
		if len(views) > 1 && !f.has("views") {
			l.errorf(f.n.keyPosition(), "the %s has %d views; say in which order they are tried: views = %s", f.what, len(views), list(names))
		}
		return views
	}
	if len(views) == 0 {
		return nil
	}
	var inOrder []*node
	for _, e := range order {
		i := slices.Index(names, e.string())
		switch {
		case i < 0:
			l.errorf(e.position(), "views: the %s has no view %s%s", f.what, quote(e.string()), suggest(e.string(), names))
		case slices.Contains(inOrder, views[i]):
			l.errorf(e.position(), "views: %s is there twice", quote(e.string()))
		default:
			inOrder = append(inOrder, views[i])
		}
	}
	for _, v := range views {
		if !slices.Contains(inOrder, v) {
			l.errorf(v.keyPosition(), "the view %s is not in the list of views at %v, so nobody would see it", quote(v.name), ordered.position())
			inOrder = append(inOrder, v)
		}
	}
	return inOrder
}

// keyText is a name as TOML writes it in a key.
func keyText(name string) string {
	for i := 0; i < len(name); i++ {
		if !bare(name[i]) {
			return quote(name)
		}
	}
	return name
}

// list is a list as TOML writes it.
func list(names []string) string {
	s := "["
	for i, name := range names {
		if i > 0 {
			s += ", "
		}
		s += quote(name)
	}
	return s + "]"
}

func (l *loader) view(n *node, server string) View {
	v := View{Name: n.name, Pos: n.keyPosition()}
	f := l.fields(n, "view "+quote(n.name))
	if f == nil {
		return v
	}
	if err := checkNodeName("the view", n.name); err != nil {
		l.errorf(v.Pos, "%v", err)
	}
	v.Match = l.match(f, "match")
	if !f.has("match") {
		l.errorf(v.Pos, `the view %s does not say who sees it: write match = ["10.0.0.0/8"], or ["any"] for everybody`, quote(n.name))
	}
	v.Destinations = l.match(f, "destinations")
	v.Zones = l.zonesOf(f.named("zone"), server, n.name)
	f.done()
	return v
}

// zonesOf reads the zones of one view.
func (l *loader) zonesOf(nodes []*node, server, view string) []Zone {
	var zones []Zone
	first := make(map[string]Position, len(nodes))
	for _, n := range nodes {
		z, ok := l.zone(n, server, view)
		if !ok {
			continue
		}
		if at, twice := first[z.Origin]; twice {
			l.errorf(z.Pos, "the zone %s is there twice: at %v too", quote(z.Origin), at)
			continue
		}
		first[z.Origin] = z.Pos
		zones = append(zones, z)
	}
	return zones
}
