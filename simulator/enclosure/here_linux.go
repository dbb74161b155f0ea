package enclosure

import "syscall"

// endWithParent has the kernel kill a command when this process ends without having waited for it, killed itself say.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
