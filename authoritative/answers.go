package authoritative

import "sync"

// answers keeps packed answers of one version of a zone, by plainQuestion.key. It keeps two generations: when the young
// one is full it becomes the old one, so what is asked for often stays and the rest goes.
type answers struct {
	mu         sync.RWMutex
	young, old map[string][]byte
}

const (
	generation = 4096 // answers
	largestHit = 4096 // octets of an answer worth keeping
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
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.young == nil || len(a.young) >= generation {
		a.young, a.old = make(map[string][]byte), a.young
	}
	a.young[string(key)] = packed
}
