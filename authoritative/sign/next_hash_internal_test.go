package sign

import (
	"encoding/base32"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNextHash(t *testing.T) {
	for _, c := range [][2]string{
		{"0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM", "0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TON"}, // RFC 5155 appendix A
		{"0000V", "00010"}, {"VVVV", "0000"}, {"9", "A"}, {"abcv", "abd0"}, {"", ""},
	} {
		if got := nextHash(c[0]); !strings.EqualFold(got, c[1]) {
			t.Errorf("after %s comes %s, got %s", c[0], c[1], got)
		}
	}
}

// The next hash is one more, round the circle.
func TestNextHashIsOneMore(t *testing.T) {
	circle := new(big.Int).Lsh(big.NewInt(1), 160)
	rapid.Check(t, func(t *rapid.T) {
		hash := rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "hash")
		next, err := base32.HexEncoding.DecodeString(nextHash(base32.HexEncoding.EncodeToString(hash)))
		if err != nil {
			t.Fatal(err)
		}
		want := new(big.Int).Add(new(big.Int).SetBytes(hash), big.NewInt(1))
		if want.Mod(want, circle); new(big.Int).SetBytes(next).Cmp(want) != 0 {
			t.Fatalf("after %x comes %x", hash, next)
		}
	})
}
