package scenarios

import (
	"slices"
	"time"
)

// kinds are the kinds of step, in the order in which messages list them.
func kinds() []Kind {
	return []Kind{Inject, Heal, Query, Get, Edit, Advance, Flush, Retransfer, Roll, Inspect}
}

// timeline is what the steps read so far have brought about.
type timeline struct {
	now    time.Duration // the earliest time of the next step
	last   Position
	active map[string]injection // by label
	healed map[string]Position  // by label
}

// injection is a fault that is at work.
type injection struct {
	at    Position
	until time.Duration // heals itself then; 0: does not
}

// steps reads the [[step]]s, in order: each is checked against the world and against those before it.
func (l *loader) steps(f *fields) []Step {
	nodes, list := f.tables("step")
	line := &timeline{active: make(map[string]injection), healed: make(map[string]Position)}
	var steps []Step
	expects, changes, unread := false, false, list == nil && f.has("step")
	for _, n := range nodes {
		s, ok := l.step(n, line)
		if !ok {
			unread = true
			continue
		}
		steps = append(steps, s)
		expects = expects || s.Expect != nil
		switch s.Kind {
		case Inject, Heal, Edit, Flush, Retransfer, Roll:
			changes = true
		}
	}
	if unread || l.worldOnly {
		return steps
	}
	at, _ := f.place("step")
	if !expects {
		l.errorf(at, `the scenario expects nothing, so it proves nothing: give a query or an inspect step an expect, such as expect = { rcode = "SERVFAIL" }`)
	} else if !changes {
		l.warnf(at, "no step changes anything: nothing is injected, edited, flushed or transferred")
	}
	return steps
}

// step reads one step; ok is false when not even its kind can be told.
func (l *loader) step(n *node, line *timeline) (s Step, ok bool) {
	s.Pos = n.position()
	f := l.fields(n, "the step")
	if f == nil {
		return s, false
	}
	s.At = l.at(f, line)
	s.Note, _ = f.text("note")
	kind, ok := l.kind(f)
	if !ok {
		return s, false
	}
	s.Kind = kind
	switch kind {
	case Inject:
		s.Inject = l.inject(f, s, line)
	case Heal:
		s.Heal = l.heal(f, s, line)
	case Query:
		s.Query = l.query(f)
	case Get:
		s.Get = l.get(f)
	case Edit:
		s.Edit = l.edit(f)
	case Advance:
		s.Advance = l.advance(f, s, line)
	case Flush:
		s.Flush = l.flush(f)
	case Retransfer:
		s.Zone = l.retransfer(f)
	case Roll:
		s.Roll = l.roll(f)
	case Inspect:
		s.Inspect, s.Zone = l.inspect(f)
	}
	s.Expect = l.expect(f, &s)
	f.what = "the " + string(kind) + " step"
	f.done()
	return s, true
}

// at reads when the step is: not before the one before it. A step that does not say follows at once.
func (l *loader) at(f *fields, line *timeline) time.Duration {
	at, n := f.duration("at")
	switch {
	case n == nil:
		at = line.now
	case at < line.now:
		l.errorf(n.position(), "at: %s is too early: the step at %v has brought the time to %s, and steps stand in order of time",
			formatDuration(at), line.last, formatDuration(line.now))
		at = line.now
	}
	line.now, line.last = at, f.n.position()
	return at
}

// kind finds the key that says what the step does.
func (l *loader) kind(f *fields) (Kind, bool) {
	var found []Kind
	var names []string
	for _, k := range kinds() {
		names = append(names, string(k))
		if f.has(string(k)) {
			found = append(found, k)
		}
	}
	if len(found) > 1 && found[0] == Inject {
		// A fault may have a parameter of such a name.
		spec, _ := l.fault(f)
		found = slices.DeleteFunc(found, func(k Kind) bool { return k != Inject && spec.param(string(k)) })
	}
	switch len(found) {
	case 1:
		return found[0], true
	case 0:
		for _, e := range f.n.entries {
			if near := nearest(e.name, names); near != "" && !e.known {
				l.errorf(e.keyPosition(), "unknown key %s in the step; did you mean %q?", quote(e.name), near)
				return "", false
			}
		}
		l.errorf(f.n.position(), "the step does nothing: expected %s", oneOf(names))
	default:
		l.errorf(f.n.child(string(found[1])).keyPosition(), "a step does one thing, and this one has %s and %s; write two steps, the second may have the same at",
			found[0], found[1])
	}
	return "", false
}

func (l *loader) heal(f *fields, s Step, line *timeline) string {
	label, n := f.text("heal")
	if n == nil {
		return ""
	}
	if in, ok := line.active[label]; ok {
		if in.until > 0 && in.until <= s.At {
			l.errorf(n.position(), "heal: the fault %s, injected at %v, has healed itself at %s already", quote(label), in.at, formatDuration(in.until))
		}
		delete(line.active, label)
		line.healed[label] = s.Pos
		return label
	}
	if at, ok := line.healed[label]; ok {
		l.errorf(n.position(), "heal: the fault %s is healed already, at %v", quote(label), at)
		return label
	}
	var labels []string
	for name := range line.active {
		labels = append(labels, name)
	}
	l.errorf(n.position(), "heal: no step before this one injects %s%s", quote(label), suggest(label, labels))
	return label
}

func (l *loader) advance(f *fields, s Step, line *timeline) time.Duration {
	d, n := f.duration("advance")
	if n != nil && d == 0 {
		l.errorf(n.position(), "advance: the clock is moved by more than 0")
	}
	line.now = s.At + d
	return d
}

func (l *loader) flush(f *fields) FlushStep {
	var s FlushStep
	if n := l.target(f, "flush", resolverNode); n != nil {
		s.Resolver = n.string()
	}
	if name, n := f.text("name"); n != nil {
		if err := checkName(name); err != nil {
			l.errorf(n.position(), "name: %v", err)
		}
		s.Name = absolute(name)
	}
	tree, n := f.flag("tree")
	if s.Tree = tree; tree && !f.has("name") {
		l.errorf(n.keyPosition(), "tree: there is no name to flush everything below; leave tree out to flush all")
	}
	return s
}
