package cli

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	NewLogger(&b, "json", "warn").Info("quiet")
	if b.Len() != 0 {
		t.Errorf("info was written at level warn: %s", b.String())
	}
	NewLogger(&b, "json", "warn").Warn("loud", "path", "a b")
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil || line["msg"] != "loud" || line["path"] != "a b" {
		t.Errorf("%s: %v", b.String(), err)
	}
	b.Reset()
	NewLogger(&b, "text", "info").Info("hello", "n", 3)
	if !strings.Contains(b.String(), "msg=hello n=3") {
		t.Errorf("text: %s", b.String())
	}
}

func TestTalk(t *testing.T) {
	var b bytes.Buffer
	l := slog.New(&talk{w: &b, mu: new(sync.Mutex), min: slog.LevelInfo})
	l.With("id", 7).WithGroup("g").Warn("odd", "k", "v")
	l.Debug("hidden")
	l.Info("plain")
	if got, want := b.String(), "warn: odd id=7 g.k=v\nplain\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressJSON(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, "json", "x")
	for i := int64(0); i <= 100; i++ {
		p.Show(Step{Done: i, Total: 100, Bytes: i * 10})
	}
	p.Close()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	var last Step
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Done != 100 || last.Bytes != 1000 {
		t.Errorf("last line %q: %v", lines[len(lines)-1], err)
	}
	if len(lines) > 10 {
		t.Errorf("%d lines: they are not thinned", len(lines))
	}
}

func TestProgressBar(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, "bar", "fetch")
	p.Show(Step{Done: 1, Total: 2, Bytes: 2048})
	p.Show(Step{Done: 2, Total: 2, Bytes: 4096})
	p.Close()
	if !strings.Contains(b.String(), "2/2 files") || !strings.Contains(b.String(), "ETA") {
		t.Errorf("bar: %q", b.String())
	}
	b.Reset()
	p = NewProgress(&b, "auto", "fetch")
	p.Show(Step{Done: 1, Total: 2})
	p.Close()
	if b.Len() != 0 {
		t.Errorf("auto wrote %q to what is no terminal", b.String())
	}
}
