package enclosure

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// requests are messages to the kernel's routing (rtnetlink(7)), which are sent together.
type requests struct {
	messages [][]byte
	what     []string // what each asks for, for its error
	optional []bool
}

// attribute is one of a message's (RFC 3549 section 2.3).
type attribute struct {
	kind uint16
	data []byte
}

// add puts a message behind the others. The kernel is to acknowledge it.
func (r *requests) add(what string, kind, flags uint16, header []byte, attributes ...attribute) {
	m := make([]byte, unix.SizeofNlMsghdr, 128)
	m = append(m, header...)
	for _, a := range attributes {
		m = binary.NativeEndian.AppendUint16(m, uint16(unix.SizeofRtAttr+len(a.data)))
		m = binary.NativeEndian.AppendUint16(m, a.kind)
		m = append(m, a.data...)
		for len(m)%unix.NLMSG_ALIGNTO != 0 {
			m = append(m, 0)
		}
	}
	binary.NativeEndian.PutUint32(m[0:], uint32(len(m)))
	binary.NativeEndian.PutUint16(m[4:], kind)
	binary.NativeEndian.PutUint16(m[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	binary.NativeEndian.PutUint32(m[8:], uint32(len(r.messages))) // the sequence number
	r.messages, r.what, r.optional = append(r.messages, m), append(r.what, what), append(r.optional, false)
}

// mayFail lets the last message fail.
func (r *requests) mayFail() { r.optional[len(r.optional)-1] = true }

// send has the kernel do what the messages ask for. The first one that it refuses is the error.
func (r *requests) send() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("a netlink socket: %w", err)
	}
	defer unix.Close(fd)
	const together = 64 // as many acknowledgements wait at the socket at most
	for from := 0; from < len(r.messages); from += together {
		to := min(from+together, len(r.messages))
		var packet []byte
		for _, m := range r.messages[from:to] {
			packet = append(packet, m...)
		}
		if err := unix.Sendto(fd, packet, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return fmt.Errorf("%s: %w", r.what[from], err)
		}
		if err := r.acknowledged(fd, to-from); err != nil {
			return err
		}
	}
	return nil
}

// acknowledged waits for so many acknowledgements.
func (r *requests) acknowledged(fd, count int) error {
	buffer := make([]byte, 1<<16)
	for count > 0 {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("the kernel's acknowledgement: %w", err)
		}
		for rest := buffer[:n]; len(rest) >= unix.SizeofNlMsghdr+4; {
			length := int(binary.NativeEndian.Uint32(rest))
			if length < unix.SizeofNlMsghdr+4 || length > len(rest) {
				break
			}
			if binary.NativeEndian.Uint16(rest[4:]) == unix.NLMSG_ERROR {
				count--
				i := int(binary.NativeEndian.Uint32(rest[8:]))
				if errno := -int32(binary.NativeEndian.Uint32(rest[unix.SizeofNlMsghdr:])); errno != 0 && i < len(r.what) && !r.optional[i] {
					return fmt.Errorf("%s: %w", r.what[i], unix.Errno(errno))
				}
			}
			rest = rest[min((length+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(rest)):]
		}
	}
	return nil
}

// loopback is the index of a network namespace's first interface.
const loopback = 1

// up starts the loopback interface.
func (r *requests) up() {
	header := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(header[4:], loopback)
	binary.NativeEndian.PutUint32(header[8:], unix.IFF_UP)
	binary.NativeEndian.PutUint32(header[12:], unix.IFF_UP)
	r.add("start the loopback interface", unix.RTM_NEWLINK, 0, header)
}

// address puts an address onto the loopback interface.
func (r *requests) address(a netip.Addr) {
	header := []byte{family(a), byte(a.BitLen()), 0, unix.RT_SCOPE_HOST, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(header[4:], loopback)
	// IPv6 addresses are there at once: there is nobody to be asked whether he has the same.
	r.add("add the address "+a.String(), unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, header,
		attribute{unix.IFA_LOCAL, a.AsSlice()}, attribute{unix.IFA_ADDRESS, a.AsSlice()},
		attribute{unix.IFA_FLAGS, number(unix.IFA_F_NODAD | unix.IFA_F_NOPREFIXROUTE)})
}

// table is that of the routes to IPv6 addresses with another source; the number is anybody's.
const table = 100

// source has programs that choose no address of their own send from one to reach another. The kernel's own route to the
// address, by which they would send from the address itself, is taken away. That of an IPv6 address is put there only some
// time after the address; ahead lets ours go before it.
func (r *requests) source(to, from netip.Addr) {
	in := byte(table)
	if to.Is4() {
		in = unix.RT_TABLE_LOCAL
		kernels := routeHeader(to, in, 0, unix.RT_SCOPE_HOST, unix.RTN_LOCAL)
		r.add("take the kernel's route to "+to.String()+" away", unix.RTM_DELROUTE, 0, kernels, attribute{unix.RTA_DST, to.AsSlice()})
	}
	ours := routeHeader(to, in, unix.RTPROT_STATIC, unix.RT_SCOPE_HOST, unix.RTN_LOCAL)
	r.add("a route to "+to.String()+" from "+from.String(), unix.RTM_NEWROUTE, unix.NLM_F_CREATE, ours,
		attribute{unix.RTA_DST, to.AsSlice()}, attribute{unix.RTA_OIF, number(loopback)}, attribute{unix.RTA_PREFSRC, from.AsSlice()})
}

// ahead has the IPv6 routes of our table looked up before the kernel's local ones. A kernel without such rules keeps its
// own order: an address is then its own source.
func (r *requests) ahead() {
	const first, second = 0, 1
	for _, rule := range []struct {
		kind, flags uint16
		table       byte
		priority    uint32
	}{
		{unix.RTM_NEWRULE, unix.NLM_F_CREATE | unix.NLM_F_EXCL, unix.RT_TABLE_LOCAL, second},
		{unix.RTM_NEWRULE, unix.NLM_F_CREATE | unix.NLM_F_EXCL, table, first},
		{unix.RTM_DELRULE, 0, unix.RT_TABLE_LOCAL, first},
	} {
		header := []byte{unix.AF_INET6, 0, 0, 0, rule.table, 0, 0, unix.FR_ACT_TO_TBL, 0, 0, 0, 0}
		r.add("order the IPv6 routes", rule.kind, rule.flags, header, attribute{unix.FRA_PRIORITY, number(rule.priority)})
		r.mayFail()
	}
}

// nothingElse has every other address of a family be unreachable at once. A kernel without the family may refuse it.
func (r *requests) nothingElse(any netip.Addr) {
	header := routeHeader(any, unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNREACHABLE)
	header[1] = 0               // all of them
	const last = 0xffffffff - 1 // behind any other route
	attributes := []attribute{{unix.RTA_PRIORITY, number(last)}}
	if any.Is6() {
		attributes = append(attributes, attribute{unix.RTA_OIF, number(loopback)})
	}
	r.add("let all other addresses be unreachable", unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, header, attributes...)
	r.mayFail()
}

func routeHeader(to netip.Addr, table, protocol, scope, kind byte) []byte {
	return []byte{family(to), byte(to.BitLen()), 0, 0, table, protocol, scope, kind, 0, 0, 0, 0}
}

func family(a netip.Addr) byte {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func number(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
