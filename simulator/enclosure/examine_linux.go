package enclosure

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path"
)

// examineName is the file that the inner process of an examination writes what it finds to.
const examineName = "findings"

// Examine tries whether an enclosure can be made. It runs this program once more with the arguments, in which
// [ExamineInside] is to be called.
func Examine(args []string) []Finding {
	in, out, err := os.Pipe()
	if err != nil {
		return []Finding{finding("namespaces", "", err)}
	}
	defer in.Close()
	code, err := Run(Process{Args: args, Files: []File{{examineName, out}}})
	out.Close()
	list := []Finding{finding("namespaces", "user, network and mount namespaces of one's own", err)}
	if err != nil {
		return list
	}
	var inside []Finding
	if err := json.NewDecoder(in).Decode(&inside); err != nil {
		return append(list, finding("inside", "", fmt.Errorf("the process in the namespaces ended with exit code %d and told nothing: %w", code, err)))
	}
	return append(list, inside...)
}

// ExamineInside tries, in the inner process of an examination, what the furnishing of an enclosure takes.
func ExamineInside() error {
	out := Handed()[examineName]
	if out == nil {
		return errors.New("nobody is to be told of what is found")
	}
	defer out.Close()
	example := netip.AddrFrom4([4]byte{192, 0, 2, 53}) // TEST-NET-1 (RFC 5737)
	p := Place{Addresses: []netip.Addr{example}, Source: func(netip.Addr) (netip.Addr, bool) { return example, false }}
	var list []Finding
	err := furnishNetwork(p)
	if err != nil {
		err = diagnose("/", "make addresses", err)
	}
	list = append(list, finding("addresses", "any address on the loopback interface", err))
	if err == nil {
		list = append(list, tryPort(example))
	}
	if err = furnishFiles(p); err != nil {
		err = diagnose("/", "lay files over /etc", err)
	}
	list = append(list, finding("files", "memory and overlay file systems over /etc", err))
	return json.NewEncoder(out).Encode(list)
}

// tryPort opens port 53, as the command of a world may want to.
func tryPort(a netip.Addr) Finding {
	if start := (machine{"/"}).reads("proc/sys/net/ipv4/ip_unprivileged_port_start"); start != "0" {
		f := finding("port 53", "", fmt.Errorf("programs without privileges begin at port %s, and this could not be changed in the namespace", start))
		f.Needed = false // the world itself has the capability
		f.Advice = []string{"A real server in the world's place (--without) then needs another port. /proc/sys is read-only here, as in containers: Docker has --security-opt systempaths=unconfined."}
		return f
	}
	u, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 53)))
	if err == nil {
		u.Close()
	}
	return finding("port 53", "port 53 for everybody inside", err)
}

// Limits are what this machine's settings say of namespaces, NAME=VALUE each.
func Limits() (list []string) {
	m := machine{"/"}
	for _, name := range []string{"user/max_user_namespaces", "user/max_net_namespaces", "user/max_mnt_namespaces", "kernel/unprivileged_userns_clone",
		"kernel/apparmor_restrict_unprivileged_userns", "net/ipv4/ip_unprivileged_port_start"} {
		if value := m.reads(path.Join("proc/sys", name)); value != "" {
			list = append(list, path.Base(name)+"="+value)
		}
	}
	if m.filtered() {
		list = append(list, "seccomp=filter")
	}
	return list
}
