package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// answer is the body of one successful request. It counts its bytes, ends on a
// stall and holds a slot of its host until it is closed.
type answer struct {
	*http.Response
	c      *Client
	ctx    context.Context // ends with errStall as its cause
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stat   statKey
	slot   chan struct{}
	closed bool
}

// do sends one GET. Statuses other than 200, 206 and 416 are errors.
func (c *Client) do(ctx context.Context, rawURL string, header http.Header) (*answer, error) {
	if c.opt.Offline {
		return nil, fmt.Errorf("%w: offline was asked for", ErrOffline)
	}
	if err := c.budgetLeft(); err != nil {
		return nil, err
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("malformed URL")
	}
	if err := c.guard.check(u, u); err != nil {
		return nil, err
	}
	slot := c.slot(u.Host)
	select {
	case slot <- struct{}{}:
	case <-ctx.Done():
		return nil, ctxError(context.Cause(ctx))
	}
	a := &answer{c: c, slot: slot, stat: statKeyOf(ctx, u.Host)}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.timer = time.AfterFunc(c.opt.Header, func() { a.cancel(errStall) })
	c.count(a.stat, 1, 0)
	req, err := http.NewRequestWithContext(a.ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		a.release()
		return nil, errors.New("malformed URL")
	}
	if header != nil {
		req.Header = header
	}
	if v, ok := authOf(ctx); ok && v.host == hostPort(u) {
		req.Header.Set("Authorization", v.value)
	}
	req.Header.Set("User-Agent", c.opt.UserAgent)
	req.Header.Set("Accept-Encoding", "identity") // ranges of a compressed form are of no use
	if a.Response, err = c.http.Do(req); err != nil {
		err = classify(a.ctx, err)
		a.release()
		return nil, err
	}
	if err := statusError(a.Response); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (c *Client) slot(host string) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.slots[host]
	if s == nil {
		s = make(chan struct{}, c.opt.PerHost)
		c.slots[host] = s
	}
	return s
}

func (a *answer) Read(p []byte) (int, error) {
	if err := a.c.budgetLeft(); err != nil {
		return 0, err
	}
	a.timer.Reset(a.c.opt.Stall)
	n, err := a.Body.Read(p)
	a.timer.Stop() // what the caller does with the bytes is not the server's time
	a.c.spent.Add(int64(n))
	a.c.today.add(&a.c.opt, int64(n))
	a.c.count(a.stat, 0, int64(n))
	if err != nil && err != io.EOF {
		err = classify(a.ctx, err)
	}
	return n, err
}

func (a *answer) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	err := a.Body.Close()
	a.release()
	return err
}

func (a *answer) release() {
	a.timer.Stop()
	a.cancel(nil)
	<-a.slot
}

// budgetLeft is asked before every request and every read, so that the budget
// is passed by one buffer at most.
func (c *Client) budgetLeft() error {
	if b := c.opt.Budget; b > 0 && c.spent.Load() >= b {
		return fmt.Errorf("%w: %d bytes", ErrBudget, b)
	}
	if b := c.opt.BudgetDay; b > 0 && c.today.add(&c.opt, 0) >= b {
		return fmt.Errorf("%w: %d bytes a day", ErrBudget, b)
	}
	return nil
}

func statusError(r *http.Response) error {
	switch s := r.StatusCode; {
	case s == 200 || s == 206 || s == 416:
		return nil
	case s == 403 && r.Header.Get("X-RateLimit-Remaining") == "0": // GitHub
		return &transient{fmt.Errorf("%w: status %s", ErrRateLimited, r.Status), retryAfter(r.Header)}
	case s == 401 || s == 403:
		return fmt.Errorf("%w: status %s", ErrRefused, r.Status)
	case s == 404 || s == 410:
		return fmt.Errorf("%w: status %s", ErrGone, r.Status)
	case s == 429:
		return &transient{fmt.Errorf("%w: status %s", ErrRateLimited, r.Status), retryAfter(r.Header)}
	case s == 408 || s >= 500:
		return &transient{fmt.Errorf("%w: status %s", ErrServer, r.Status), retryAfter(r.Header)}
	}
	return fmt.Errorf("%w: status %s", ErrServer, r.Status)
}

// retryAfter reads RFC 9110, section 10.2.3: seconds or a date.
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	// Zenodo, GitHub and others say when their window ends, in Unix seconds.
	if n, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && h.Get("X-RateLimit-Remaining") == "0" {
		return max(0, time.Until(time.Unix(n, 0)))
	}
	return 0
}
