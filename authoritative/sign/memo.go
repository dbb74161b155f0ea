package sign

import (
	"crypto/sha256"
	"sync"
)

// Memo remembers signatures by the bytes that they are over, so that what two views of a zone, or two signings with
// one validity period, have in common is signed once. The zero value is ready to use, by any number of goroutines.
// It makes signing faster and changes no result. Its size is bounded.
type Memo struct {
	mu        sync.Mutex
	now, past map[memoKey]string // two generations: what was not asked for in the last one is forgotten
}

// memoKey is the digest of a key and of what is to be signed with it.
type memoKey [sha256.Size]byte

// memoGeneration is how many signatures a generation holds: some 10 MB of them.
const memoGeneration = 1 << 16

func keyOf(k *signingKey, data []byte) memoKey {
	h := sha256.New()
	h.Write([]byte{k.algorithm})
	h.Write([]byte(k.public))
	h.Write([]byte{0})
	h.Write(data)
	return memoKey(h.Sum(nil))
}

func (m *Memo) get(key memoKey) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.now[key]; ok {
		return s, true
	}
	s, ok := m.past[key]
	if ok {
		m.keep(key, s)
	}
	return s, ok
}

func (m *Memo) put(key memoKey, signature string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(key, signature)
}

// keep is called with mu held.
func (m *Memo) keep(key memoKey, signature string) {
	if m.now == nil || len(m.now) >= memoGeneration {
		m.now, m.past = map[memoKey]string{}, m.now
	}
	m.now[key] = signature
}
