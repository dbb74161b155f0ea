package zone

// SerialLess tells whether SOA serial a is older than b in the sequence space of RFC 1982 section 3.2. Two serials
// exactly half the space apart are not ordered: neither is less than the other.
func SerialLess(a, b uint32) bool {
	return a != b && b-a < 1<<31
}

// nextSerial adds 1 (RFC 1982 section 3.1) and passes over 0, which some software takes for "none".
func nextSerial(serial uint32) uint32 {
	if serial++; serial == 0 {
		serial = 1
	}
	return serial
}
