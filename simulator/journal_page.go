package simulator

import (
	"slices"
	"sort"
)

// Kinds are all kinds of entry.
func Kinds() []Kind {
	return []Kind{KindStep, KindAct, KindFault, KindLeg, KindAuthoritative, KindResolver, KindWeb, KindUpstream, KindWorld}
}

// Numbered is an entry with its number in the journal. The first entry is number 0; those let go are missing.
type Numbered struct {
	Number int `json:"number"`
	Entry
}

// Page gives up to most entries from number from on, of the given kinds (none: of all), and the number to go on from:
// the journal's length where there are no more.
func (j *Journal) Page(from, most int, kinds ...Kind) (list []Numbered, next int) {
	legs := len(kinds) == 0 || slices.Contains(kinds, KindLeg)
	remarks := len(kinds) == 0 || slices.Contains(kinds, KindResolver)
	window := 1 << 16
	if legs || remarks {
		window = 256 // rendering takes time, in which nobody can write
	}
	list = []Numbered{}
	next = max(from, j.first())
	for end := j.Len(); next < end; {
		stop := min(next+window, end)
		j.each(next, stop, legs, remarks, func(number int, e Entry) bool {
			if len(kinds) == 0 || slices.Contains(kinds, e.Kind) {
				list = append(list, Numbered{number, e})
			}
			return len(list) < most
		})
		if len(list) == most {
			return list, list[most-1].Number + 1
		}
		next = stop
	}
	return list, next
}

// Grown is closed once the journal has an entry of that number.
func (j *Journal) Grown(number int) <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.next > number {
		there := make(chan struct{})
		close(there)
		return there
	}
	if j.grown == nil {
		j.grown = make(chan struct{})
	}
	return j.grown
}

// wake tells those who wait that there is another entry. The caller holds j.mu.
func (j *Journal) wake() {
	if j.grown != nil {
		close(j.grown)
		j.grown = nil
	}
}

// first is the number of the oldest entry that is kept.
func (j *Journal) first() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	first := j.next
	if len(j.entries) > 0 {
		first = j.entries[0].number
	}
	if len(j.traffic.blocks) > 0 {
		first = min(first, j.traffic.blocks[0].first)
	}
	return first
}

// each calls f with the entries from number from up to number to, that one excluded and those let go left out; of the
// traffic only with what is wanted, the legs and the remarks. It stops when f returns false. f must not call the journal.
func (j *Journal) each(from, to int, legs, remarks bool, f func(number int, e Entry) bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var traffic []packed
	if legs || remarks {
		traffic = j.traffic.between(from, to)
	}
	entries := j.entries[sort.Search(len(j.entries), func(i int) bool { return j.entries[i].number >= from }):]
	entries = entries[:sort.Search(len(entries), func(i int) bool { return entries[i].number >= to })]
	for len(traffic)+len(entries) > 0 {
		if len(traffic) == 0 || len(entries) > 0 && entries[0].number < traffic[0].number() {
			if !f(entries[0].number, *entries[0].entry) {
				return
			}
			entries = entries[1:]
			continue
		}
		b := traffic[0]
		traffic = traffic[1:]
		if b.remark() && !remarks || !b.remark() && !legs {
			continue
		}
		if !f(b.number(), j.unpack(b)) {
			return
		}
	}
}
