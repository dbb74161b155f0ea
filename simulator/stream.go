package simulator

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// stream returns the world's random numbers of one name. Each name has its own, so that a choice more in one place
// changes nothing in another.
func stream(seed uint64, label string) *rand.Rand {
	return rand.New(rand.NewChaCha8([32]byte(secret(seed, label))))
}

// secret derives 32 bytes from the seed by name: the material of keys.
func secret(seed uint64, label string) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, seed))
	h.Write([]byte(label))
	return h.Sum(nil)
}
