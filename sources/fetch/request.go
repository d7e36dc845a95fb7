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
	slot := c.slot(u.Host)
	select {
	case slot <- struct{}{}:
	case <-ctx.Done():
		return nil, ctxError(context.Cause(ctx))
	}
	a := &answer{c: c, slot: slot, stat: statKey{u.Host, reasonOf(ctx)}}
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
	a.c.count(a.stat, 0, int64(n))
	if err != nil && err != io.EOF {
		err = classify(a.ctx, err)
	}
	return n, err
}

func (a *answer) Close() error {
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
	return nil
}

func statusError(r *http.Response) error {
	switch s := r.StatusCode; {
	case s == 200 || s == 206 || s == 416:
		return nil
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
	return 0
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than ten redirects")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("redirect from https to plain http")
	}
	return nil
}
