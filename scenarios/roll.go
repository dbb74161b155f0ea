package scenarios

import "slices"

// roll reads a roll step: the signed zone whose key is replaced, which key, and whether the parent follows.
func (l *loader) roll(f *fields) RollStep {
	var s RollStep
	_, n := f.text("roll")
	if n != nil && l.knownZone(n) {
		s.Zone = canonical(n.string())
		if !slices.ContainsFunc(l.zones[s.Zone], func(at place) bool { return at.primary }) {
			l.errorf(n.position(), "roll: the zone %s has no primary in this world", s.Zone)
		}
	}
	switch key, n := f.text("key"); {
	case n == nil:
		l.errorf(f.n.position(), `the roll step does not say which key: key = "zsk" or key = "ksk"`)
	case key == "ksk":
		s.KSK = true
	case key != "zsk":
		l.errorf(n.position(), `key: expected "zsk" or "ksk", found %s`, quote(key))
	}
	switch parent, n := f.text("parent"); {
	case n == nil || parent == "follows":
	case parent == "deaf":
		s.Deaf = true
	default:
		l.errorf(n.position(), `parent: expected "follows" or "deaf", found %s`, quote(parent))
	}
	return s
}

// phases are how far a rollover can be.
func phases() []string {
	return []string{"published", "signing", "announced", "parent-has", "swapped", "withdrawn", "done", "cancelled"}
}

// phase reads the phase of a rollover that is expected.
func (l *loader) phase(f *fields) string {
	text, n := f.text("rollover")
	if n != nil && !slices.Contains(phases(), text) {
		l.errorf(n.position(), "rollover: there is no phase %s%s", quote(text), suggest(text, phases()))
	}
	return text
}
