//go:build unix && !linux && !nodevstack

package devstack

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// setDeathSignal does nothing: only Linux tells children that their parent died. The S3 child notices by the end of its standard input,
// and an orphaned Postgres is stopped by the next Start.
func setDeathSignal(*syscall.SysProcAttr, syscall.Signal) {}

// commandLine returns the arguments of a process with blanks between them; nothing for one that is gone.
func commandLine(pid int) string {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func selfExecutable() (string, error) { return os.Executable() }
