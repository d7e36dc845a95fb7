package fetch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// retry calls try until it succeeds, fails for good or has failed
// Options.Attempts times in a row without progress. try says whether it made
// any. Between attempts it waits: exponentially longer, half of it random so
// that many mounts do not come back in step, and at least as long as the
// server asked for.
func (c *Client) retry(ctx context.Context, safe string, try func() (progress bool, err error)) error {
	wait := c.opt.Backoff
	for failed := 0; ; {
		progress, err := try()
		if err == nil {
			return nil
		}
		if progress {
			failed, wait = 0, c.opt.Backoff
		}
		failed++
		var t *transient
		if !errors.As(err, &t) {
			return fmt.Errorf("%s: %w", safe, err)
		}
		if failed >= c.opt.Attempts {
			return fmt.Errorf("%s: %d attempts: %w", safe, failed, t.err)
		}
		if t.after > c.opt.MaxBackoff {
			return fmt.Errorf("%s: asked to come back after %s: %w", safe, t.after, t.err)
		}
		d := max(t.after, wait/2+rand.N(wait/2+1))
		wait = min(2*wait, c.opt.MaxBackoff)
		c.opt.Log.Debug("retry", "url", safe, "err", t.err, "after", d)
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", safe, ctxError(context.Cause(ctx)))
		}
	}
}
