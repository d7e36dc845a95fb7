package fetch

import (
	"cmp"
	"context"
	"slices"
)

// Stat counts the requests to one host for one reason, on behalf of one
// dataset of a platform where WithOrigin has named it.
type Stat struct {
	Host, Reason      string
	Platform, Dataset string
	Requests, Bytes   int64 // Bytes of bodies as they came
}

type statKey struct {
	host, reason string
	origin
}

type origin struct{ platform, dataset string }

type originKey struct{}

// WithOrigin names the platform and the dataset that requests under ctx are
// for. Blobs that were opened under ctx keep it.
func WithOrigin(ctx context.Context, platform, dataset string) context.Context {
	return context.WithValue(ctx, originKey{}, origin{platform, dataset})
}

// inherit gives ctx the origin of from where it has none.
func inherit(ctx, from context.Context) context.Context {
	if o, ok := from.Value(originKey{}).(origin); ok && ctx.Value(originKey{}) == nil {
		return context.WithValue(ctx, originKey{}, o)
	}
	return ctx
}

func statKeyOf(ctx context.Context, host string) statKey {
	o, _ := ctx.Value(originKey{}).(origin)
	return statKey{host, reasonOf(ctx), o}
}

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

// Stats returns the counters, sorted by host, reason, platform and dataset.
func (c *Client) Stats() []Stat {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Stat, 0, len(c.stats))
	for _, s := range c.stats {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Stat) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Dataset, b.Dataset))
	})
	return out
}

func (c *Client) count(k statKey, requests, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats[k]
	if s == nil {
		s = &Stat{Host: k.host, Reason: k.reason, Platform: k.platform, Dataset: k.dataset}
		c.stats[k] = s
	}
	s.Requests += requests
	s.Bytes += bytes
}
