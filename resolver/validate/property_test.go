package validate

import (
	"bytes"
	"slices"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// world is a small zone "z." as a plain table of its names, with an answer to every question by looking at all of it.
type world struct {
	apex  name
	types map[string]types // by wire name; empty non-terminals have an entry without types
	names []name           // those with records, in canonical order
}

func drawLabels(t *rapid.T, what string) name {
	n := name{1, 'z', 0}
	for _, label := range rapid.SliceOfN(rapid.SampledFrom([]byte("abm*")), 0, 4).Draw(t, what) {
		n = append(name{1, label}, n...)
	}
	return n
}

func drawWorld(t *rapid.T) *world {
	w := &world{apex: name{1, 'z', 0}, types: map[string]types{}}
	w.types[string(w.apex)] = types{dns.TypeNS, dns.TypeSOA}
	w.names = []name{w.apex}
	for range rapid.IntRange(0, 8).Draw(t, "names") {
		n := drawLabels(t, "owner")
		if _, ok := w.types[string(n)]; ok {
			continue
		}
		kinds := []types{{dns.TypeA}, {dns.TypeA, dns.TypeMX}, {dns.TypeCNAME}, {dns.TypeNS}, {dns.TypeNS, dns.TypeDS}, {dns.TypeDNAME}}
		if n.isWildcard() {
			kinds = kinds[:3]
		}
		w.types[string(n)] = rapid.SampledFrom(kinds).Draw(t, "types")
		w.names = append(w.names, n)
	}
	slices.SortFunc(w.names, compare)
	w.names = slices.DeleteFunc(w.names, func(n name) bool { // what is below a delegation or a DNAME is not the zone's
		hidden := w.hidden(n)
		if hidden {
			delete(w.types, string(n))
		}
		return hidden
	})
	for _, n := range w.names {
		for up := n; !up.equal(w.apex); up = up.parent() {
			if _, ok := w.types[string(up)]; !ok {
				w.types[string(up)] = nil
			}
		}
	}
	return w
}

func (w *world) hidden(n name) bool {
	for up := n; !up.equal(w.apex); {
		up = up.parent()
		if w.types[string(up)].hidesBelow() {
			return true
		}
	}
	return false
}

func (w *world) exists(n name) bool { _, ok := w.types[string(n)]; return ok }

func (w *world) encloser(n name) name {
	for !w.exists(n) {
		n = n.parent()
	}
	return n
}

func (w *world) nameError(q name) bool {
	return !w.hidden(q) && !w.exists(q) && !w.exists(w.encloser(q).wildcard())
}

func (w *world) noData(q name, qtype uint16) bool {
	if w.hidden(q) {
		return false
	}
	if !w.exists(q) {
		q = w.encloser(q).wildcard()
		if !w.exists(q) {
			return false
		}
	}
	return w.types[string(q)].deny(q, qtype) == ""
}

func (w *world) noDS(q name) Status {
	t := w.types[string(q)]
	switch {
	case w.hidden(q) || t.has(dns.TypeDS):
		return Bogus
	case t.cut():
		return Insecure
	}
	return Secure
}

// nsecProof is the zone's whole chain; nsec3Proof likewise, with a hash for each empty non-terminal too.
func (w *world) nsecProof() proof {
	d := proof{checker: &checker{zone: w.apex}}
	for i, n := range w.names {
		d.nsec = append(d.nsec, nsec{owner: n, next: w.names[(i+1)%len(w.names)], types: append(types{dns.TypeNSEC, dns.TypeRRSIG}, w.types[string(n)]...)})
	}
	return d
}

func (w *world) nsec3Proof() proof {
	d := proof{checker: &checker{zone: w.apex, hashes: 1 << 30}, nsec3: []nsec3{{}}}
	var chain []nsec3
	for n, t := range w.types {
		h, _ := d.hash(name(n))
		chain = append(chain, nsec3{owner: h, types: t})
	}
	slices.SortFunc(chain, func(a, b nsec3) int { return bytes.Compare(a.owner[:], b.owner[:]) })
	for i := range chain {
		chain[i].next = chain[(i+1)%len(chain)].owner
	}
	d.nsec3 = chain
	return d
}

// thin keeps some of the records, as one who lies by leaving out does.
func thin(t *rapid.T, d proof) proof {
	d.nsec = slices.DeleteFunc(slices.Clone(d.nsec), func(nsec) bool { return rapid.Bool().Draw(t, "drop") })
	d.nsec3 = slices.DeleteFunc(slices.Clone(d.nsec3), func(nsec3) bool { return rapid.Bool().Draw(t, "drop") })
	return d
}

// With the zone's whole chain every verdict is the truth; with some of it a verdict may be Bogus, but never untrue.
func TestProofsAgainstWorlds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		q := drawLabels(t, "qname")
		qtype := rapid.SampledFrom([]uint16{dns.TypeA, dns.TypeMX, dns.TypeDS}).Draw(t, "qtype")
		truth := map[string]Status{"NXDOMAIN": Bogus, "NODATA": Bogus, "DS": w.noDS(q), "wildcard": Bogus}
		if w.nameError(q) {
			truth["NXDOMAIN"] = Secure
		}
		if w.noData(q, qtype) {
			truth["NODATA"] = Secure
		}
		encloser := q.lastLabels(rapid.IntRange(1, max(1, q.labels()-1)).Draw(t, "encloser"))
		stands := w.exists(encloser) && !w.hidden(encloser) && !w.types[string(encloser)].hidesBelow() && encloser.labels() < q.labels()
		if stands && !w.hidden(q) && !w.exists(q) && w.encloser(q).equal(encloser) {
			truth["wildcard"] = Secure
		}
		for kind, whole := range []proof{w.nsecProof(), w.nsec3Proof()} {
			kind := []string{"NSEC", "NSEC3"}[kind]
			ask := func(d proof, what string) Verdict {
				switch {
				case len(d.nsec)+len(d.nsec3) == 0 || what == "DS" && q.equal(w.apex) || what == "wildcard" && !stands:
					return Verdict{Status: truth[what]}
				case what == "NXDOMAIN":
					return d.nameError(q)
				case what == "NODATA":
					return d.noData(q, qtype)
				case what == "DS":
					return d.noDS(q)
				}
				return d.noCloserMatch(q, encloser)
			}
			some := thin(t, whole)
			for what, want := range truth {
				if v := ask(whole, what); v.Status != want {
					t.Fatalf("%s, the whole chain: %s for %s %s from %s is %v (%s), want %v", kind, what, q, dns.Type(qtype), encloser, v.Status, v.Why, want)
				}
				if v := ask(some, what); v.Status != want && v.Status != Bogus {
					t.Fatalf("%s, some of it: %s for %s %s from %s is %v, want %v or bogus", kind, what, q, dns.Type(qtype), encloser, v.Status, want)
				}
			}
		}
	})
}
