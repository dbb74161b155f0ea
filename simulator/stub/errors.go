package stub

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/miekg/dns"
)

// Kind is netdb.h's h_errno: all that an application learns of a lookup that failed.
type Kind uint8

// The kinds, with what getaddrinfo makes of each.
const (
	// HostNotFound: NXDOMAIN. EAI_NONAME.
	HostNotFound Kind = iota + 1
	// TryAgain: no server answered, or all that did said SERVFAIL, REFUSED or NOTIMP. EAI_AGAIN.
	TryAgain
	// NoRecovery: the name or the reply makes no sense, or the answer is an error of another kind. EAI_FAIL.
	NoRecovery
	// NoData: the name exists without this type. EAI_NODATA.
	NoData
)

func (k Kind) String() string {
	switch k {
	case HostNotFound:
		return "host not found"
	case TryAgain:
		return "try again"
	case NoRecovery:
		return "no recovery"
	case NoData:
		return "no data of this type"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Error is a lookup that brought no answer.
type Error struct {
	Kind Kind
	Name string // as it was asked for last, or as the decision fell
	Type uint16
	// Cause is nil when a server's message decided. Otherwise it is syscall.ETIMEDOUT: at least one server was waited
	// for in vain; or syscall.ECONNREFUSED: each said at once, by ICMP, that nobody is there. (That is glibc's errno
	// also where the ICMP message was host unreachable; the Attempts tell these apart.) Over TCP it is the last
	// server's error.
	Cause error
}

func (e *Error) Error() string {
	question := e.Name + " " + dns.Type(e.Type).String()
	if e.Cause == nil {
		return fmt.Sprintf("%s: %v", question, e.Kind)
	}
	return fmt.Sprintf("%s: %v: %v", question, e.Kind, e.Cause)
}

// Unwrap returns the Cause.
func (e *Error) Unwrap() error { return e.Cause }

// Timeout says whether the lookup ended because nobody answered in time.
func (e *Error) Timeout() bool { return errors.Is(e.Cause, syscall.ETIMEDOUT) }
