package simtest

import (
	"os"
	"strings"
	"time"
)

// machine is what Go's resolver takes from the resolv.conf of the machine that the test runs on, and what must not show
// in the world: how many name servers there are, the search list, how often and how long each is asked.
type machine struct {
	servers  int
	search   []string // absolute, lower case
	attempts int
	timeout  time.Duration
}

// theMachine reads /etc/resolv.conf. Where there is none, Go asks two servers on loopback.
func theMachine() machine {
	text, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return readMachine("")
	}
	return readMachine(string(text))
}

// readMachine reads the lines of resolv.conf(5) that count, as Go does.
func readMachine(text string) machine {
	m := machine{attempts: 2, timeout: 5 * time.Second}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			m.servers = min(m.servers+1, 3)
		case "domain":
			m.search = absolutes(fields[1:2])
		case "search":
			m.search = absolutes(fields[1:])
		case "options":
			for _, option := range fields[1:] {
				m.option(option)
			}
		}
	}
	if m.servers == 0 {
		m.servers = 2
	}
	return m
}

func (m *machine) option(text string) {
	name, value, _ := strings.Cut(text, ":")
	n := max(leadingNumber(value), 1)
	switch name {
	case "attempts":
		m.attempts = n
	case "timeout":
		m.timeout = time.Duration(n) * time.Second
	}
}

// leadingNumber is the number that a text begins with, 0 where there is none, and 0xFFFFFF at most, as Go has it.
func leadingNumber(text string) (n int) {
	const most = 0xFFFFFF
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			break
		}
		if n = 10*n + int(c-'0'); n >= most {
			return most
		}
	}
	return n
}

func absolutes(domains []string) (list []string) {
	for _, d := range domains {
		if d = strings.ToLower(strings.TrimSuffix(d, ".")); d != "" {
			list = append(list, d+".")
		}
	}
	return list
}

// searched is the domain of the machine's search list that an absolute name seems to have been completed with, or "".
func (m machine) searched(name string) string {
	name = strings.ToLower(name)
	for _, d := range m.search {
		if strings.HasSuffix(name, "."+d) {
			return d
		}
	}
	return ""
}
