package authoritative

import (
	"sync"
	"sync/atomic"
)

// answers keeps packed answers of one version of a zone, by plainQuestion.key. It keeps two generations: when the young
// one is full it becomes the old one, so what is asked for often stays and the rest goes.
type answers struct {
	pool *answerPool

	mu         sync.RWMutex
	young, old map[string][]byte
	size       [2]int64 // of the two, in octets
	closed     bool     // the zone has a newer version
}

// answerPool bounds what all the zones of a server keep together.
type answerPool struct{ used atomic.Int64 }

const (
	poolSize   = 64 << 20 // octets that a server keeps
	generation = poolSize / 2
	largestHit = 4096 // octets of an answer worth keeping
	entryCost  = 64   // about what the map takes for an entry, beside its octets
)

// get returns the packed answer, which must not be changed, or nil.
func (a *answers) get(key []byte) []byte {
	a.mu.RLock()
	packed := a.young[string(key)]
	if packed != nil {
		a.mu.RUnlock()
		return packed
	}
	packed = a.old[string(key)]
	a.mu.RUnlock()
	if packed != nil {
		a.put(key, packed)
	}
	return packed
}

// put keeps packed, which nobody may change any more.
func (a *answers) put(key, packed []byte) {
	if len(packed) > largestHit {
		return
	}
	cost := int64(len(key) + len(packed) + entryCost)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.young[string(key)] != nil {
		return
	}
	if a.young == nil || a.size[0]+cost > generation || a.pool.used.Load()+cost > poolSize {
		a.pool.used.Add(-a.size[1])
		a.young, a.old = make(map[string][]byte), a.young
		a.size[0], a.size[1] = 0, a.size[0]
	}
	if a.pool.used.Load()+cost > poolSize {
		return // the others have it all
	}
	a.young[string(key)] = packed
	a.size[0] += cost
	a.pool.used.Add(cost)
}

// drop forgets everything, for good.
func (a *answers) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pool.used.Add(-a.size[0] - a.size[1])
	a.young, a.old, a.size, a.closed = nil, nil, [2]int64{}, true
}
