//go:build unix && !nodevstack

package devstack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken below the range from which kernels give outgoing connections theirs (32768 on Linux, 49152 elsewhere): while a killed
// server is down, no stranger's connection can come to sit on its port.
const (
	lowestPort  = 20000
	highestPort = 32000
)

// pickPort returns the wanted port; when none is wanted (0 or FreePort) the last one if it is free, else a random free one.
func pickPort(want, last int) (int, error) {
	if want > 0 {
		return want, nil
	}
	if last > 0 && portFree(last) {
		return last, nil
	}
	for range 200 {
		if port := lowestPort + rand.IntN(highestPort-lowestPort); portFree(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("devstack: no free port between %d and %d", lowestPort, highestPort)
}

func portFree(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
