package enclosure

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Furnish makes the inside what a place says, in the inner process. It is done when the error is nil; [Refused] is what the
// machine did not allow.
func Furnish(p Place) error {
	if err := furnishNetwork(p); err != nil {
		return diagnose("/", "make the addresses of the world", err)
	}
	if err := furnishFiles(p); err != nil {
		return diagnose("/", "mount the world's files", err)
	}
	return nil
}

// furnishNetwork makes the addresses and the routes to them.
func furnishNetwork(p Place) error {
	// Machines that use no IPv6 may switch it off in namespaces too.
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("0"), 0)
	var r requests
	r.up()
	for _, a := range p.Addresses {
		r.address(a)
	}
	for _, to := range p.Addresses {
		from, ok := p.Source(to)
		if !ok {
			from = to
		}
		if from != to || to.Is6() { // IPv6 addresses are reached at once by this
			r.source(to, from)
		}
	}
	r.ahead()
	r.nothingElse(netip.IPv4Unspecified())
	r.nothingElse(netip.IPv6Unspecified())
	if err := r.send(); err != nil {
		return err
	}
	// Port 53 and ping are for everybody here. Where these settings are out of reach, the command has to do without.
	_ = os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0)
	group := strconv.Itoa(os.Getegid())
	_ = os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte(group+" "+group), 0)
	return nil
}

// mount says what it did when it fails.
func mount(source, target, kind string, flags uintptr, options string) error {
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		if kind == "" {
			kind = "bind"
		}
		return fmt.Errorf("mount %s on %s: %w", kind, target, err)
	}
	return nil
}
