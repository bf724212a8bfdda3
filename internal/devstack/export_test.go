//go:build linux && !nodevstack

package devstack

// IgnoreDeathSignals makes this program one whose children the kernel does not tell of its death, as on systems other than Linux.
func IgnoreDeathSignals() { deathSignals = false }

// SocketDir is the directory of the server's socket.
func (p *Postgres) SocketDir() string { return p.place.sockets }

// DataDir is the directory of the cluster.
func (p *Postgres) DataDir() string { return p.place.data() }
