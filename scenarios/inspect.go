package scenarios

// retransfer reads a retransfer step: the secondary and the zone that it transfers again.
func (l *loader) retransfer(f *fields) ZoneStep {
	var s ZoneStep
	if n := l.target(f, "retransfer", serverNode); n != nil {
		s.Server = n.string()
	}
	s.Zone, s.View = l.zoneOn(f, s.Server, "secondary")
	if !f.has("zone") {
		l.errorf(f.n.position(), "the retransfer step has no zone")
	}
	return s
}

// inspect reads an inspect step: a server with a zone, or a resolver.
func (l *loader) inspect(f *fields) (string, ZoneStep) {
	n := l.target(f, "inspect", serverNode, resolverNode)
	if n == nil || l.nodes[n.string()].kind == resolverNode {
		if n == nil {
			return "", ZoneStep{}
		}
		if zone := f.get("zone"); zone != nil {
			l.errorf(zone.keyPosition(), "zone: %s is a resolver, which has no zones", quote(n.string()))
		}
		return n.string(), ZoneStep{}
	}
	s := ZoneStep{Server: n.string()}
	s.Zone, s.View = l.zoneOn(f, s.Server, "")
	if !f.has("zone") {
		l.errorf(f.n.position(), "the inspect step has no zone; %s is a server, and what can be seen of it is a zone's state", quote(s.Server))
	}
	return s.Server, s
}
