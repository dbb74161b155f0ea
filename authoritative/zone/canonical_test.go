package zone_test

import (
	"encoding/hex"
	"sync"
	"testing"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// RFC 4034 section 6.2: names in lower case, those of RDATA too where the type is on the list, and the TTL given.
func TestAppendCanonical(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"WWW.a. 60 MX 5 MaIl.A.", "0377777701610000" + "0f0001" + "00000e10" + "000a" + "0005" + "046d61696c016100"},
		// RFC 6840 section 5.1 takes NSEC off the list.
		{"a. 60 NSEC B. A", "016100" + "002f0001" + "00000e10" + "0006" + "014200" + "000140"},
		{"a. 60 TXT Ab", "016100" + "00100001" + "00000e10" + "0003" + "024162"},
	} {
		rr, err := dns.NewRR(c.text)
		if err != nil {
			t.Fatal(err)
		}
		before := dns.Copy(rr)
		prefix := []byte{1, 2, 3}
		wire, rdata, err := zone.AppendCanonical(prefix, rr, 3600)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(wire[3:]); got != c.want {
			t.Errorf("%s: %s", c.text, got)
		}
		if n := int(wire[rdata-1]); len(wire)-rdata != n {
			t.Errorf("%s: RDATA begins at %d of %d", c.text, rdata, len(wire))
		}
		if *rr.Header() != *before.Header() || !dns.IsDuplicate(rr, before) {
			t.Errorf("%s was changed", c.text)
		}
	}
}

// Records are shared, so putting one into canonical form from several goroutines must write to none (the race
// detector looks on).
func TestAppendCanonicalSharesRecords(t *testing.T) {
	t.Parallel()
	rrs := records(t, "example.", wildcardZone)
	var working sync.WaitGroup
	for range 4 {
		working.Go(func() {
			if _, err := zone.New("example.", rrs); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
}
