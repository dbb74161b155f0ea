package simtest

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// ask makes one attempt at one of the machine's servers, as Go's resolver does.
func (v *view) ask(name string, server int) (rcode int, err error) {
	m := new(dns.Msg)
	m.SetQuestion(name, dns.TypeA)
	packed, err := m.Pack()
	if err != nil {
		return 0, err
	}
	reply, err := v.answer(context.Background(), "udp", fmt.Sprintf("192.0.2.%d:53", server+1), packed, time.Time{})
	if err != nil {
		return 0, err
	}
	return rcodeOf(reply), nil
}
