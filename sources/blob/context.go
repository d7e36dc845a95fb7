package blob

import "context"

// Binder is implemented by blobs whose reads can be bound to another context
// than the one that they were opened with: a shared archive serves members to
// callers that come and go.
type Binder interface {
	// WithContext returns a view of the same content. Closing the view leaves
	// the original open.
	WithContext(ctx context.Context) Blob
}

// WithContext returns a view of b whose reads end with ctx. Where b does not
// know contexts (memory, local files) the view is b itself, which its Close
// does not close.
func WithContext(ctx context.Context, b Blob) Blob {
	if v, ok := b.(Binder); ok {
		return v.WithContext(ctx)
	}
	return view{b}
}

// Orderer is implemented by blobs that can read ahead of a reader who goes
// through them in order.
type Orderer interface {
	// Ahead is WithContext for somebody who may read s in order: what follows is
	// brought before it is asked for, but nothing beyond s.
	Ahead(ctx context.Context, s Span) Blob
}

// Ahead returns a view of b that reads ahead within s, where b can.
func Ahead(ctx context.Context, b Blob, s Span) Blob {
	if v, ok := b.(Orderer); ok {
		return v.Ahead(ctx, s)
	}
	return WithContext(ctx, b)
}

type view struct{ Blob }

func (view) Close() error { return nil }

func (v view) WillNeed(ctx context.Context, spans []Span) error { return WillNeed(ctx, v.Blob, spans) }
