package iterate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/miekg/dns"
)

// ErrBudget says that a question has led to more queries than it may.
var ErrBudget = errors.New("the question has led to too many queries")

// Attempt is a query that came to nothing.
type Attempt struct {
	Server  netip.AddrPort
	Network string
	// Kind is what the reply was, if there was one: Err is nil then.
	Kind Kind
	// Err is the Exchanger's.
	Err error
}

func (a Attempt) silent() bool {
	var timeout net.Error
	return a.Err != nil && errors.As(a.Err, &timeout) && timeout.Timeout()
}

// what says in a word what came of it.
func (a Attempt) what() string {
	over := ""
	if a.Network == "tcp" {
		over = " over TCP"
	}
	switch {
	case a.Err == nil:
		return a.Kind.String() + over
	case a.silent():
		return "no answer" + over
	case errors.Is(a.Err, syscall.ECONNREFUSED):
		return "connection refused" + over
	case errors.Is(a.Err, syscall.EHOSTUNREACH):
		return "host unreachable" + over
	default:
		return a.Err.Error() + over
	}
}

// Failure is the error when no server of a zone gave an answer.
type Failure struct {
	Question Question
	// Zone is the one whose servers were asked last.
	Zone     string
	Attempts []Attempt
	// Cause is set when it ended for another reason than that nobody was left: ctx's error, ErrBudget.
	Cause error
}

// Error names the zone and what each of its servers did.
func (f *Failure) Error() string {
	s := fmt.Sprintf("%s: no server of zone %s gave an answer", f.Question, f.Zone)
	if len(f.Attempts) > 0 {
		s += " (" + f.detail(func(Attempt) bool { return true }) + ")"
	}
	if f.Cause != nil {
		s += ": " + f.Cause.Error()
	}
	return s
}

func (f *Failure) Unwrap() error { return f.Cause }

// EDE is what a client may be told (RFC 8914): 22, No Reachable Authority, and when servers or the network said something
// rather than nothing, 23, Network Error, with what they said.
func (f *Failure) EDE() []dns.EDNS0_EDE {
	if errors.Is(f.Cause, ErrBudget) {
		return []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeOther, ExtraText: ErrBudget.Error()}}
	}
	list := []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeNoReachableAuthority, ExtraText: "at delegation " + f.Zone}}
	if text := f.detail(Attempt.silent); text != "" {
		list[0].ExtraText += ": " + text
	}
	if errors.Is(f.Cause, context.DeadlineExceeded) {
		list[0].ExtraText += ", out of time"
	}
	if text := f.detail(func(a Attempt) bool { return !a.silent() }); text != "" {
		list = append(list, dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNetworkError, ExtraText: text})
	}
	return list
}

// detail says of the attempts that count what came of them, each server's outcome once, in order.
func (f *Failure) detail(counts func(Attempt) bool) string {
	var parts []string
	seen := make(map[string]bool)
	for _, a := range f.Attempts {
		if !counts(a) {
			continue
		}
		part := a.Server.String() + " " + a.what()
		if !seen[part] {
			seen[part] = true
			parts = append(parts, part)
		}
		if len(parts) == 8 {
			break
		}
	}
	return strings.Join(parts, ", ")
}
