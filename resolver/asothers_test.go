package resolver_test

import "testing"

// What real resolvers do too; the comparison in package simulator found it.

// The root has no parent, so its own NSEC denies its DS (RFC 4035 section 5.2 speaks of zones that have one).
func TestDSOfTheRoot(t *testing.T) {
	t.Parallel()
	c := newWorld(t).resolver(nil)
	c.want(". DS", "NOERROR ad soa=./10800")
}

// RFC 6672 section 3.2: a question for DNAME below a DNAME is redirected like any other.
func TestDNAMEBelowADNAME(t *testing.T) {
	t.Parallel()
	c := newWorld(t).resolver(nil)
	c.want("old.example.com DNAME", "NOERROR ad 300 example.net.")
	c.want("nosuch.old.example.com DNAME", "NXDOMAIN ad 299 example.net. 299 nosuch.example.net. soa=example.net./300")
	c.want("www.old.example.com DNAME", "NOERROR ad 299 example.net. 299 www.example.net. soa=example.net./300")
	// From the cache.
	c.want("nosuch.old.example.com DNAME", "NXDOMAIN ad 299 example.net. 299 nosuch.example.net. soa=example.net./299")
	c.want("nosuch.old.example.com CNAME", "NOERROR ad 299 example.net. 299 nosuch.example.net.")
}

// RFC 6840 section 5.8: AD says what was validated, to whoever asks for it. With CD nothing is, but what was stays so.
func TestADWithCheckingDisabled(t *testing.T) {
	t.Parallel()
	c := newWorld(t).resolver(nil)
	c.want("www.example.com A +cd", "NOERROR 300 192.0.2.80")
	c.want("www.example.com A", "NOERROR ad 299 192.0.2.80")
	c.want("www.example.com A +cd", "NOERROR ad 299 192.0.2.80")
	c.want("www.example.com A +cd +noad", "NOERROR 299 192.0.2.80")
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	c.want("www.plain.com A +cd", "NOERROR 300 192.0.2.70")
}
