package model

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// errGone tells a caller that the worker went away through no fault of his
// request: it is to be sent again to the next one.
var errGone = errors.New("worker went away")

// conn multiplexes requests over one channel to a worker. Answers may come in
// any order; the oldest request without one is what the worker is busy with,
// and it is blamed for hangs and crashes.
type conn struct {
	r     *bufio.Reader
	w     io.Writer
	kill  func()
	hello *message

	mu        sync.Mutex
	wake      *sync.Cond // out has grown, or the connection ended
	out       []*message // to be written, in order: callers never block on the channel
	writing   bool
	pending   []*call // oldest first
	headSince time.Time
	err       error // why the connection ended
}

type call struct {
	kind    string // the type of the answer
	session uint64
	step    int
	done    chan struct{}
	reply   *message
	err     error
}

// newConn waits for the worker's hello; the caller bounds the wait through
// kill.
func newConn(r io.Reader, w io.Writer, kill func()) (*conn, error) {
	c := &conn{r: bufio.NewReaderSize(r, 1<<16), w: w, kill: kill}
	c.wake = sync.NewCond(&c.mu)
	m, err := readMessage(c.r, 0)
	if err != nil {
		return nil, fmt.Errorf("hello: %w", err)
	}
	if m.Type != "hello" || m.Protocol != Protocol {
		return nil, fmt.Errorf("%w: %q of protocol %d, want hello of %d", ErrProtocol, m.Type, m.Protocol, Protocol)
	}
	c.hello = m
	go c.read()
	go c.write()
	return c, nil
}

// write sends what is queued until the connection ends.
func (c *conn) write() {
	for {
		c.mu.Lock()
		c.writing = false
		for len(c.out) == 0 && c.err == nil {
			c.wake.Wait()
		}
		if c.err != nil {
			c.mu.Unlock()
			return
		}
		m := c.out[0]
		c.out = c.out[1:]
		c.writing = true
		c.mu.Unlock()
		if err := writeMessage(c.w, m); err != nil {
			// The worker is gone, but its last answers may still lie in the
			// channel: who is to blame is known when all are read.
			return
		}
	}
}

// flush waits until all that was queued is written, but not longer than limit.
func (c *conn) flush(limit time.Duration) {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		c.mu.Lock()
		idle := c.err != nil || len(c.out) == 0 && !c.writing
		c.mu.Unlock()
		if idle {
			return
		}
	}
}

// read hands answers to their callers until the channel ends.
func (c *conn) read() {
	for {
		m, err := readMessage(c.r, maxPayload)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("it closed its channel")
			}
			c.fail(failure(StatusCrash, "worker ended: %w", err))
			return
		}
		if m.Type == "pong" {
			continue
		}
		if !c.deliver(m) {
			c.fail(failure(StatusCrash, "%w: unexpected %q for session %d", ErrProtocol, m.Type, m.Session))
			return
		}
	}
}

func (c *conn) deliver(m *message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.pending {
		if p.kind != m.Type || p.session != m.Session || m.Step != nil && *m.Step != p.step {
			continue
		}
		c.pending = append(c.pending[:i:i], c.pending[i+1:]...)
		c.headSince = time.Now()
		p.reply = m
		close(p.done)
		return true
	}
	return false
}

// fail ends the connection: the oldest request gets the blame, the others
// errGone. The first blame stands: what the closed channel says afterwards is
// only its echo.
func (c *conn) fail(blame error) {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = blame
		for i, p := range c.pending {
			p.err = errGone
			if i == 0 {
				p.err = blame
			}
			close(p.done)
		}
		c.pending, c.out = nil, nil
		c.wake.Broadcast()
	}
	c.mu.Unlock()
	c.kill()
}

func (c *conn) dead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}

// send queues a message that has no answer.
func (c *conn) send(m *message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return errGone
	}
	c.out = append(c.out, m)
	c.wake.Signal()
	return nil
}

// ask writes a message and waits for its answer of the given type. The time
// limit counts from when the worker got round to the request, so that waiting
// behind others costs nothing.
func (c *conn) ask(ctx context.Context, m *message, kind string, limit time.Duration) (*message, error) {
	p := &call{kind: kind, session: m.Session, done: make(chan struct{})}
	if m.Step != nil {
		p.step = *m.Step
	}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil, errGone
	}
	if c.pending = append(c.pending, p); len(c.pending) == 1 {
		c.headSince = time.Now()
	}
	c.out = append(c.out, m)
	c.wake.Signal()
	c.mu.Unlock()
	return c.wait(ctx, p, limit)
}

func (c *conn) wait(ctx context.Context, p *call, limit time.Duration) (*message, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-p.done:
			return p.reply, p.err
		case <-ctx.Done():
			c.fail(ctx.Err())
			return nil, ctx.Err()
		case <-timer.C:
		}
		c.mu.Lock()
		busy := time.Since(c.headSince)
		head := len(c.pending) > 0 && c.pending[0] == p
		c.mu.Unlock()
		if head && busy >= limit {
			c.fail(failure(StatusTimeout, "no answer within %s", limit))
			continue // done is closed now
		}
		timer.Reset(max(limit-busy, 10*time.Millisecond))
	}
}
