package fs

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// denyFor is how long the decision on a process is remembered: a number may
// come to stand for another process.
const denyFor = time.Second

// denied remembers which processes get nothing.
type denied struct {
	comm []string
	mu   sync.Mutex
	pids map[uint32]denial
}

type denial struct {
	denied bool
	until  time.Time
}

// has tells whether the caller's name is on the list. Nothing is recorded of a
// refusal: crawlers would fill the list of failures.
func (d *denied) has(c *fuse.InHeader) bool {
	if len(d.comm) == 0 {
		return false
	}
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.pids[c.Pid]; ok && now.Before(known.until) {
		return known.denied
	}
	no := false
	// A process that is gone, or in another namespace of processes, has no name.
	if name, rerr := os.ReadFile(fmt.Sprintf("/proc/%d/comm", c.Pid)); rerr == nil {
		no = slices.Contains(d.comm, string(bytes.TrimSpace(name)))
	}
	if len(d.pids) > 4096 || d.pids == nil {
		d.pids = map[uint32]denial{}
	}
	d.pids[c.Pid] = denial{no, now.Add(denyFor)}
	return no
}
