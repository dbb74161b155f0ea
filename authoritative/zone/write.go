package zone

import (
	"bufio"
	"io"
)

// Write writes the zone as a master file (RFC 1035 section 5): one record a line, every name absolute, the SOA first
// and then canonical order, each RRset followed by its signatures. [Parse] and other servers' loaders read it back.
func Write(w io.Writer, z *Zone) error {
	out := bufio.NewWriter(w)
	first := true
	for rr := range z.Transfer() {
		if !first && rr == z.SOA() {
			break // the second SOA ends a transfer, not a file
		}
		first = false
		out.WriteString(rr.String())
		out.WriteByte('\n') // bufio keeps the first error for Flush
	}
	return out.Flush()
}
