package cli

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Step is how far some work has come.
type Step struct {
	Done  int64  `json:"done"`  // files finished
	Total int64  `json:"total"` // files in all; 0 unknown
	Bytes int64  `json:"bytes"` // bytes finished
	Name  string `json:"name,omitempty"`
}

// Progress shows steps: a bar with rate and ETA on a terminal, JSON lines for
// machines, nothing elsewhere. It is safe for many goroutines.
type Progress struct {
	mu    sync.Mutex
	lines *json.Encoder
	box   *mpb.Progress
	bar   *mpb.Bar
	bytes int64
	last  time.Time
}

// lineEvery is the least time between two JSON lines.
const lineEvery = 200 * time.Millisecond

// NewProgress shows the steps of the work called title. mode is "auto" (a bar
// where w is a terminal), "bar" (always), "json" or "none".
func NewProgress(w io.Writer, mode, title string) *Progress {
	p := &Progress{}
	switch {
	case mode == "json":
		p.lines = json.NewEncoder(w)
	case mode == "bar" || mode == "auto" && IsTerminal(w):
		p.box = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithAutoRefresh())
		p.bar = p.box.AddBar(0,
			mpb.PrependDecorators(decor.Name(title+" "), decor.CountersNoUnit("%d/%d files")),
			mpb.AppendDecorators(
				decor.Percentage(), decor.Name(" "),
				decor.Any(func(decor.Statistics) string { return p.size() }), decor.Name(" "),
				decor.AverageSpeed(0, "%.1f/s"), decor.Name(" ETA "),
				decor.AverageETA(decor.ET_STYLE_MMSS)))
	}
	return p
}

func (p *Progress) size() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return FormatBytes(p.bytes)
}

// Show shows a step.
func (p *Progress) Show(s Step) {
	p.mu.Lock()
	p.bytes = s.Bytes
	if p.lines != nil && (time.Since(p.last) >= lineEvery || s.Done == s.Total) {
		p.last = time.Now()
		_ = p.lines.Encode(s) // the work goes on when nobody reads its progress
	}
	p.mu.Unlock()
	if p.bar != nil {
		p.bar.SetTotal(s.Total, false)
		p.bar.SetCurrent(s.Done)
	}
}

// Close leaves the last state on the screen.
func (p *Progress) Close() {
	if p.bar == nil {
		return
	}
	p.bar.EnableTriggerComplete()
	if !p.bar.Completed() {
		p.bar.Abort(false)
	}
	p.box.Wait()
}
