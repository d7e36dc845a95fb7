package fetch

import (
	"cmp"
	"context"
	"slices"
)

// Stat counts the requests to one host for one reason.
type Stat struct {
	Host, Reason    string
	Requests, Bytes int64 // Bytes of bodies as they came
}

type statKey struct{ host, reason string }

type reasonKey struct{}

// WithReason names what requests under ctx are for, in Stats: "read" without
// it; the client itself uses "probe", "ahead" and "whole".
func WithReason(ctx context.Context, reason string) context.Context {
	return context.WithValue(ctx, reasonKey{}, reason)
}

func reasonOf(ctx context.Context) string {
	if s, ok := ctx.Value(reasonKey{}).(string); ok {
		return s
	}
	return "read"
}

// Stats returns the counters, sorted by host and reason.
func (c *Client) Stats() []Stat {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Stat, 0, len(c.stats))
	for _, s := range c.stats {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Stat) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

func (c *Client) count(k statKey, requests, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats[k]
	if s == nil {
		s = &Stat{Host: k.host, Reason: k.reason}
		c.stats[k] = s
	}
	s.Requests += requests
	s.Bytes += bytes
}
