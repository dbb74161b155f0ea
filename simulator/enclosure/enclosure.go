// Package enclosure gives a command a machine of its own to run on, without any privilege: Linux's user, network and
// mount namespaces, in which chosen addresses exist, name resolution is configured as one wishes, and nothing else of the
// network is reachable.
//
// Two processes stand around the command. The outer one ([Run]) stays on the host: it runs this program once more in new
// namespaces, passes signals on and waits. The inner one furnishes them ([Furnish]), serves whatever the command is to
// find there, and runs it ([Command.Run]) without the capabilities that the furnishing took. No file is made on the host:
// what is mounted is seen inside only and ends with the last process there, and both processes see to it that none stays.
//
// The package knows no DNS and no world. Other systems than Linux have nothing like it: there everything is [Refused].
package enclosure

import (
	"net/netip"
	"os"
)

// Dir is the folder, inside, of what was brought along: a file system in memory that the user can write to.
const Dir = "/etc/faultzone"

// Process is the inner process, as the outer one starts it.
type Process struct {
	// Args are the arguments of this program's second run, its name first.
	Args []string
	// Files are handed over: the inner process finds them by their names with [Handed]. A listener of the host that is
	// among them can be served from inside. They stay open here.
	Files []File
	// Internet has pasta (of the package passt) connect the namespace with the host's network.
	Internet bool
	// Outside lets the inner process have sockets of the host's network: see [OutsideOf]. The command has none.
	Outside bool
}

// File is an open file with a name to be found by, of letters, digits and hyphens.
type File struct {
	Name string
	File *os.File
}

// Place is what the inside looks like.
type Place struct {
	// Addresses are those of the loopback interface there, beside 127.0.0.0/8 and ::1.
	Addresses []netip.Addr
	// Source is the address that programs without a choice of their own send from to reach one of the addresses; not ok:
	// that address itself, as ever on Linux.
	Source func(to netip.Addr) (from netip.Addr, ok bool)
	// Etc are files that stand in /etc instead of the host's, by name. The user can write to them.
	Etc map[string][]byte
	// Folders are made in Dir.
	Folders []string
	// Logs are folders of Dir that stand in /var/log under the same name.
	Logs []string
}

// Refused is what this machine does not allow, with what to do about it.
type Refused struct {
	// Step is what was being done.
	Step string
	Err  error
	// Advice is what the user can do; sentences, a line each.
	Advice []string
}

func (r *Refused) Error() string {
	text := r.Step + ": " + r.Err.Error()
	for _, line := range r.Advice {
		text += "\n  " + line
	}
	return text
}

// Unwrap gives the system's error.
func (r *Refused) Unwrap() error { return r.Err }

// Command is what is run inside.
type Command struct {
	Args []string
	// Env is its environment, NAME=VALUE each.
	Env []string
}

// The exit codes of commands that could not be run, as shells have them; one that a signal ended has 128 and its number.
const (
	CannotRun = 126
	NotFound  = 127
	signalled = 128
)
