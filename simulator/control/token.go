package control

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// NewToken makes a token that nobody guesses: 26 letters and digits, of 128 bits of chance and more. It is of the system's
// randomness and not of a world's seed, which anybody may know.
func NewToken() string { return rand.Text() }

func digest(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// authorised tells whether a request has the token (RFC 6750 section 2.1). It takes as long for a wrong one.
func (s *Server) authorised(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got := digest(strings.TrimSpace(token))
	return subtle.ConstantTimeCompare(got[:], s.token[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}
