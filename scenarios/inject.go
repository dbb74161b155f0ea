package scenarios

import (
	"net/netip"
	"slices"
	"strings"
)

// param tells whether the fault has a parameter of that name.
func (s FaultSpec) param(name string) bool {
	return slices.ContainsFunc(s.Params, func(p ParamSpec) bool { return p.Name == name })
}

// fault finds the fault that a step injects.
func (l *loader) fault(f *fields) (FaultSpec, bool) {
	n := f.n.child(string(Inject))
	name, ok := n.plain.(string)
	if !ok {
		return FaultSpec{}, false
	}
	return l.vocabulary.fault(name)
}

func (l *loader) inject(f *fields, s Step, line *timeline) InjectStep {
	var in InjectStep
	name, n := f.text("inject")
	in.Fault, in.Label = name, name
	if label, n := f.text("as"); n != nil {
		in.Label = label
		if err := checkNodeName("the label", label); err != nil {
			l.errorf(n.position(), "as: %v", err)
		}
	}
	if d, n := f.duration("for"); n != nil {
		if in.For = d; d == 0 {
			l.errorf(n.position(), "for: a fault lasts longer than 0; leave for out when it does not heal itself")
		}
	}
	spec, known := l.fault(f)
	if n != nil && !known {
		l.errorf(n.position(), "there is no fault %s%s", quote(name), suggest(name, l.vocabulary.names()))
	}
	if known {
		in.Params = l.params(f, spec)
	} else {
		for _, e := range f.n.entries { // parameters of nobody knows what
			e.known = e.known || e.name != "expect"
		}
	}
	if in.Label != "" {
		l.begin(in, s, line)
	}
	return in
}

// begin notes that a fault is at work from now on, under a label that no other has.
func (l *loader) begin(in InjectStep, s Step, line *timeline) {
	if other, ok := line.active[in.Label]; ok && (other.until == 0 || other.until > s.At) {
		l.errorf(s.Pos, "the fault of %v is at work under the label %s still; heal it first, or give this one another label with as",
			other.at, quote(in.Label))
	}
	begun := injection{at: s.Pos}
	if in.For > 0 {
		begun.until = s.At + in.For
	}
	line.active[in.Label] = begun
	delete(line.healed, in.Label)
}

// params reads a fault's parameters.
func (l *loader) params(f *fields, spec FaultSpec) map[string]any {
	params := make(map[string]any)
	servers := l.serversOf(f, spec)
	for _, p := range spec.Params {
		n := f.get(p.Name)
		if n == nil {
			if p.Required {
				l.errorf(f.n.position(), "the fault %s needs the key %s", spec.Name, p.describe())
			}
			continue
		}
		if v, ok := l.param(n, p, servers); ok {
			params[p.Name] = v
		}
	}
	return params
}

// serversOf are the servers that the step names and the world has, for the views that belong to them.
func (l *loader) serversOf(f *fields, spec FaultSpec) []string {
	var servers []string
	for _, p := range spec.Params {
		n := f.n.child(p.Name)
		if n == nil || p.Kind != ServerNode && p.Kind != ServerNodes {
			continue
		}
		for _, e := range append([]*node{n}, n.entries...) {
			if name, ok := e.plain.(string); ok && l.nodes[name].kind == serverNode {
				servers = append(servers, name)
			}
		}
	}
	return servers
}

// describe says what a parameter is, for the message that it is missing: "zone, the signed zone (zone)".
func (p ParamSpec) describe() string {
	what := p.Name
	if p.Summary != "" {
		what += ", " + p.Summary
	}
	if len(p.Choices) > 0 {
		return what + " (" + oneOf(p.Choices) + ")"
	}
	return what + " (" + string(p.Kind) + ")"
}

// param reads one parameter's value. servers are those that the step names.
func (l *loader) param(n *node, p ParamSpec, servers []string) (any, bool) {
	switch p.Kind {
	case Int:
		i, ok := n.plain.(int64)
		if !ok {
			l.wrong(n, "an integer")
		}
		return i, ok
	case Bool:
		b, ok := n.plain.(bool)
		if !ok {
			l.wrong(n, "true or false")
		}
		return b, ok
	case Duration:
		d, n := l.duration(n)
		return d, n != nil
	case Time:
		t, n := l.time(n)
		return t, n != nil
	case Strings, Nodes, ServerNodes, Prefixes, Places:
		elements, n := l.list(n)
		if n != nil && n.shape == array && len(n.entries) == 0 {
			l.errorf(n.position(), "%s: the list is empty", p.Name)
		}
		values, ok := make([]string, len(elements)), n != nil
		for i, e := range elements {
			var good bool
			values[i], good = l.word(e, p, servers)
			ok = ok && good
		}
		return values, ok
	}
	if _, ok := n.plain.(string); !ok {
		l.wrong(n, "a string")
		return nil, false
	}
	return l.word(n, p, servers)
}

// word checks one string of a parameter.
func (l *loader) word(n *node, p ParamSpec, servers []string) (string, bool) {
	s := n.string()
	switch p.Kind {
	case Node, Nodes:
		return s, l.knownNode(n)
	case ServerNode, ServerNodes:
		return s, l.knownNode(n, serverNode)
	case ResolverNode:
		return s, l.knownNode(n, resolverNode)
	case ClientNode:
		return s, l.knownNode(n, clientNode)
	case ZoneName:
		return canonical(s), l.knownZone(n)
	case ViewName:
		if len(servers) == 0 {
			return s, l.knownView(n, "", "")
		}
		for _, server := range servers {
			if !l.knownView(n, server, "") {
				return s, false
			}
		}
		return s, true
	case Prefix, Prefixes:
		prefix, ok := l.prefix(n)
		return prefix.String(), ok
	case Places:
		if _, message := parsePrefix(s); message == "" {
			return s, true
		} else if _, err := netip.ParsePrefix(s); err == nil {
			l.errorf(n.position(), "%s", message)
			return s, false
		}
		return s, l.knownNode(n)
	}
	if len(p.Choices) > 0 && !slices.Contains(p.Choices, s) {
		l.errorf(n.position(), "%s: unknown value %s%s", p.Name, quote(s), suggest(s, p.Choices))
		return s, false
	}
	if strings.TrimSpace(s) == "" {
		l.errorf(n.position(), "%s: expected a text, found an empty one", p.Name)
		return s, false
	}
	return s, true
}
