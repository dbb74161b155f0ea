package edge

import (
	"os"
	"runtime"
	"syscall"
)

// breath is a pause in a loop that always finds something to do. Such a loop never waits, and Go's scheduler asks which
// sockets are ready only when there is nothing else to run, or every 10 ms: on one processor a single busy door would
// starve all others. So the loop waits for a byte that it has sent to itself, which comes by the same way as what the
// others wait for, in a few microseconds.
type breath struct {
	in, out *os.File // a pipe
	raw     syscall.RawConn
	sent    bool
	failed  bool
	turn    func(fd uintptr) (done bool)
}

// take lets others have their turn.
func (b *breath) take() {
	if b.in == nil && !b.failed {
		b.failed = b.open() != nil
	}
	if b.failed {
		runtime.Gosched()
		return
	}
	b.sent = false
	if err := b.raw.Read(b.turn); err != nil {
		b.failed = true
		b.close()
	}
}

func (b *breath) open() (err error) {
	if b.in, b.out, err = os.Pipe(); err != nil {
		return err
	}
	if b.raw, err = b.in.SyscallConn(); err != nil {
		b.close()
		return err
	}
	octet := make([]byte, 1)
	b.turn = func(fd uintptr) bool {
		if !b.sent { // now that what was ready before counts no more
			b.sent = true
			_, err := b.out.Write(octet)
			return err != nil
		}
		_, _ = syscall.Read(int(fd), octet)
		return true
	}
	return nil
}

func (b *breath) close() {
	if b.in != nil {
		b.in.Close()
		b.out.Close()
	}
}
