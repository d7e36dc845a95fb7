package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

// progress shows how far a run is: a bar with the time left on a terminal, a
// line now and then elsewhere.
type progress struct {
	mu     sync.Mutex
	w      io.Writer
	quiet  bool
	pool   *mpb.Progress
	bar    *mpb.Bar
	failed atomic.Int64
	last   time.Time
	tick   time.Time
}

// lineEvery is the pause between progress lines where there is no terminal.
const lineEvery = 30 * time.Second

func newProgress(w io.Writer, quiet bool) *progress {
	now := time.Now()
	p := &progress{w: w, quiet: quiet, last: now, tick: now}
	if !quiet && cli.IsTerminal(w) {
		p.pool = mpb.New(mpb.WithOutput(w))
	}
	return p
}

// update is told after every unit.
func (p *progress) update(done, total, failed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed.Add(int64(failed))
	now := time.Now()
	if p.pool == nil {
		if !p.quiet && now.Sub(p.last) >= lineEvery {
			p.last = now
			fmt.Fprintf(p.w, "%d of %d units, %d failed steps\n", done, total, p.failed.Load())
		}
		return
	}
	if p.bar == nil {
		p.bar = p.pool.AddBar(int64(total),
			mpb.PrependDecorators(decor.CountersNoUnit("%d / %d units")),
			mpb.AppendDecorators(decor.Percentage(), decor.EwmaETA(decor.ET_STYLE_HHMMSS, 60, decor.WCSyncSpace),
				decor.Any(func(decor.Statistics) string { return p.failures() }, decor.WCSyncSpace)))
	}
	p.bar.EwmaSetCurrent(int64(done), now.Sub(p.tick))
	p.tick = now
}

func (p *progress) failures() string {
	n := p.failed.Load()
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d failed steps", n)
}

func (p *progress) close() {
	if p.bar != nil && !p.bar.Completed() {
		p.bar.Abort(false)
	}
	if p.pool != nil {
		p.pool.Wait()
	}
}
