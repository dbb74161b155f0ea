package simulator

import (
	"slices"
	"sort"
)

// Numbered is an entry with its number in the journal. The first entry is number 0; those let go are missing.
type Numbered struct {
	Number int `json:"number"`
	Entry
}

// Page gives up to most entries from number from on, of the given kinds (none: of all), and the number to go on from:
// the journal's length where there are no more.
func (j *Journal) Page(from, most int, kinds ...Kind) (list []Numbered, next int) {
	const window = 4096        // so that nobody holds the journal for long
	var take func(packed) bool // of the traffic, what can be of those kinds
	if len(kinds) > 0 {
		legs, remarks := slices.Contains(kinds, KindLeg), slices.Contains(kinds, KindResolver)
		take = func(b packed) bool { return b.remark() && remarks || !b.remark() && legs }
	}
	list = []Numbered{}
	next = max(from, j.first())
	for end := j.Len(); next < end; {
		stop := min(next+window, end)
		full := -1
		j.each(next, stop, take, func(number int, e Entry) {
			if len(kinds) > 0 && !slices.Contains(kinds, e.Kind) {
				return
			}
			if len(list) == most {
				if full < 0 {
					full = number
				}
				return
			}
			list = append(list, Numbered{number, e})
		})
		if full >= 0 {
			return list, full
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

// each calls f with the entries from number from up to number to, that one excluded and those let go left out. Of the
// traffic only what take takes, when that is not nil, is unpacked. f must not call the journal.
func (j *Journal) each(from, to int, take func(packed) bool, f func(number int, e Entry)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	traffic := j.traffic.between(from, to)
	if take != nil {
		traffic = slices.DeleteFunc(traffic, func(b packed) bool { return !take(b) })
	}
	entries := j.entries[sort.Search(len(j.entries), func(i int) bool { return j.entries[i].number >= from }):]
	entries = entries[:sort.Search(len(entries), func(i int) bool { return entries[i].number >= to })]
	for len(traffic)+len(entries) > 0 {
		if len(traffic) == 0 || len(entries) > 0 && entries[0].number < traffic[0].number() {
			f(entries[0].number, *entries[0].entry)
			entries = entries[1:]
			continue
		}
		f(traffic[0].number(), j.unpack(traffic[0]))
		traffic = traffic[1:]
	}
}
