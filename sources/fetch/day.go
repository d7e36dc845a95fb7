package fetch

import (
	"strconv"
	"sync"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// day counts what a day (UTC) has cost, where Options.BudgetDay limits it. Facts
// carry the count from one client to the next.
type day struct {
	mu          sync.Mutex
	name        string
	bytes, kept int64
}

// dayStep is how many bytes may be forgotten when the program is killed.
const dayStep = 1 << 20

// now is another time in tests.
var now = time.Now

// add counts n bytes and returns the day's sum.
func (d *day) add(o *Options, n int64) int64 {
	if o.BudgetDay <= 0 {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if name := now().UTC().Format(time.DateOnly); d.name != name {
		d.name, d.bytes = name, 0
		if v, ok := o.Facts.Get("budget:" + name); ok {
			d.bytes, _ = strconv.ParseInt(string(v), 10, 64)
		}
		d.kept = d.bytes
	}
	d.bytes += n
	if d.bytes-d.kept >= dayStep {
		d.store(o.Facts)
	}
	return d.bytes
}

func (d *day) store(f blob.Facts) {
	if f.Set("budget:"+d.name, strconv.AppendInt(nil, d.bytes, 10)) == nil {
		d.kept = d.bytes
	}
}

// keep is called at the end.
func (d *day) keep(f blob.Facts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bytes > d.kept {
		d.store(f)
	}
}
