//go:build !nodevstack

package devstack

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// deathSignals is off only in the test that plays a system without them.
var deathSignals = true

func setDeathSignal(attr *syscall.SysProcAttr, s syscall.Signal) {
	if deathSignals {
		attr.Pdeathsig = s
	}
}

// commandLine returns the arguments of a process with blanks between them; nothing for one that is gone or a zombie.
func commandLine(pid int) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return string(bytes.ReplaceAll(bytes.TrimRight(raw, "\x00"), []byte{0}, []byte{' '}))
}

// selfExecutable names this very program, even when its file was replaced or deleted while it runs.
func selfExecutable() (string, error) { return "/proc/self/exe", nil }
