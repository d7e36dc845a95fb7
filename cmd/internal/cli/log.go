package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// NewLogger returns a logger that writes to w: JSON lines for format "json",
// else readable lines. level is debug, info, warn or error.
func NewLogger(w io.Writer, format, level string) *slog.Logger {
	var min slog.Level
	if err := min.UnmarshalText([]byte(level)); err != nil {
		min = slog.LevelInfo
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: min}))
	}
	if !IsTerminal(w) {
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: min}))
	}
	return slog.New(&talk{w: w, mu: new(sync.Mutex), min: min})
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// talk writes "warn: message key=value" for people: no date, since they are
// there when it happens.
type talk struct {
	w     io.Writer
	mu    *sync.Mutex
	min   slog.Level
	attrs string
	group string
}

func (t *talk) Enabled(_ context.Context, l slog.Level) bool { return l >= t.min }

func (t *talk) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if r.Level != slog.LevelInfo {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(r.Message + t.attrs)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(t.format(a))
		return true
	})
	b.WriteByte('\n')
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := io.WriteString(t.w, b.String())
	return err
}

func (t *talk) format(a slog.Attr) string {
	if a.Equal(slog.Attr{}) {
		return ""
	}
	return " " + t.group + a.Key + "=" + a.Value.Resolve().String()
}

func (t *talk) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *t
	for _, a := range attrs {
		c.attrs += t.format(a)
	}
	return &c
}

func (t *talk) WithGroup(name string) slog.Handler {
	c := *t
	c.group += name + "."
	return &c
}
