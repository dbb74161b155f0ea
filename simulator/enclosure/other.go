//go:build !linux

package enclosure

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"
)

// errNoNamespaces is what systems without them say.
var errNoNamespaces = errors.New("this system has no namespaces")

func refused() error {
	return &Refused{Step: "make namespaces for the command", Err: errNoNamespaces, Advice: []string{
		"Linux has them: in a virtual machine or a container it works.",
		"Here: faultzone exec --edge ports, which gives the command the nodes' ports in FAULTZONE_* variables.",
	}}
}

// Run is refused.
func Run(Process) (int, error) { return 0, refused() }

// Handed has nothing.
func Handed() map[string]*os.File { return nil }

// Outside is a way out that there never is.
type Outside struct{}

// OutsideOf finds none.
func OutsideOf(map[string]*os.File) *Outside { return nil }

// Dial is refused.
func (*Outside) Dial(context.Context, string, netip.AddrPort, time.Time) (net.Conn, error) {
	return nil, refused()
}

// Inside is never so.
func Inside() bool { return false }

// WaitForInternet waits for nothing.
func WaitForInternet(map[string]*os.File) error { return nil }

// Furnish is refused.
func Furnish(Place) error { return refused() }

// Run is refused.
func (c Command) Run() (code int, err error) { return CannotRun, refused() }

// Enter is refused.
func Enter(int, []string, []string) error { return refused() }

// Become is refused.
func (c Command) Become() (code int, err error) { return CannotRun, refused() }

// Examine finds that there are no namespaces.
func Examine([]string) []Finding { return []Finding{finding("namespaces", "", refused())} }

// ExamineInside is refused.
func ExamineInside() error { return refused() }

// Limits are none.
func Limits() []string { return nil }
