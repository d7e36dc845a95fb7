package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

// Options of a worker.
type Options struct {
	// Command is run by /bin/sh. Empty with Socket set: somebody else started
	// the worker, which listens there.
	Command string
	Socket  string        // path of a unix socket; "" for file descriptors 3 and 4
	Start   time.Duration // from start to hello
	Timeout time.Duration // a request
	Log     io.Writer     // the worker's stdout and stderr; nil drops them
	Logger  *slog.Logger
}

// Defaults of the options left zero.
const (
	DefaultStart   = 5 * time.Minute // loading a network takes its time
	DefaultTimeout = 2 * time.Minute
)

const (
	backoffLow  = 100 * time.Millisecond
	backoffHigh = 2 * time.Second
	// maxStarts is how many starts in a row may fail before the run is given
	// up; the first start may not fail at all.
	maxStarts = 5
	// maxReplays is how often a request is sent again after other requests
	// broke the worker.
	maxReplays = 20
)

// ErrWorker marks a worker that does not start.
var ErrWorker = errors.New("worker does not start")

// Worker is a model in another process. When it hangs or ends, the request it
// was busy with fails, it is started again after a pause, and the other open
// sessions are replayed to it, so that they notice nothing.
type Worker struct {
	opt  Options
	next atomic.Uint64

	mu      sync.Mutex // held while starting
	cur     *conn
	end     func()
	gen     int
	crashes int // since the last answer
	sent    map[string]bool
	hello   message
	closed  bool
}

// NewWorker starts the worker and returns when it has said hello.
func NewWorker(ctx context.Context, opt Options) (*Worker, error) {
	if opt.Start == 0 {
		opt.Start = DefaultStart
	}
	if opt.Timeout == 0 {
		opt.Timeout = DefaultTimeout
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Command == "" && opt.Socket == "" {
		return nil, fmt.Errorf("%w: neither a command nor a socket is given", ErrWorker)
	}
	w := &Worker{opt: opt}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.start(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWorker, err)
	}
	return w, nil
}

// Name is the name and version that the worker gave.
func (w *Worker) Name() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(w.hello.Name + " " + w.hello.Version)
}

// Close says goodbye and ends the process.
func (w *Worker) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.cur != nil && !w.cur.dead() {
		_ = w.cur.send(&message{Type: "bye"})
		w.cur.flush(closeGrace)
		w.end()
	}
	return nil
}

// Forget tells the worker to drop an image.
func (w *Worker) Forget(dataset, caseID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := imageID(dataset, caseID)
	if w.cur != nil && w.sent[id] {
		delete(w.sent, id)
		_ = w.cur.send(&message{Type: "forget", Image: id})
	}
}

func imageID(dataset, caseID string) string { return dataset + "/" + caseID }

// start runs one worker and waits for its hello. mu is held.
func (w *Worker) start(ctx context.Context) error {
	c, end, err := launch(ctx, &w.opt)
	if err != nil {
		return err
	}
	w.cur, w.end, w.sent, w.hello = c, end, make(map[string]bool), *c.hello
	w.gen++
	return nil
}

// acquire returns the living connection, starting a worker where there is
// none.
func (w *Worker) acquire(ctx context.Context) (*conn, int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, 0, errors.New("worker is closed")
	}
	if !w.cur.dead() {
		return w.cur, w.gen, nil
	}
	var err error
	for range maxStarts {
		pause := min(backoffLow<<min(w.crashes, 10), backoffHigh)
		w.crashes++
		w.opt.Logger.Warn("restarting the worker", "pause", pause, "crashes", w.crashes)
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-time.After(pause):
		}
		if err = w.start(ctx); err == nil {
			return w.cur, w.gen, nil
		}
	}
	return nil, 0, fmt.Errorf("%w any more: %w", ErrWorker, err)
}

// answered resets the back-off.
func (w *Worker) answered() {
	w.mu.Lock()
	w.crashes = 0
	w.mu.Unlock()
}

// Open opens a session.
func (w *Worker) Open(ctx context.Context, c *Case) (Session, error) {
	s := &remote{w: w, c: c}
	if !w.takes(len(c.Dims)) {
		return nil, failure(StatusError, "worker %s does not take %d-D images", w.Name(), len(c.Dims))
	}
	return s, s.retry(func() error { return s.sync(ctx) })
}

func (w *Worker) takes(nd int) bool {
	w.mu.Lock()
	dims := w.hello.NDims
	w.mu.Unlock()
	if len(dims) == 0 {
		return true
	}
	for _, d := range dims {
		if d == nd {
			return true
		}
	}
	return false
}

// remote is a session of a worker with all that is needed to replay it.
type remote struct {
	w       *Worker
	c       *Case
	cn      *conn
	gen     int
	id      uint64
	history []*message // the steps so far
}

// retry runs f again while workers break under other requests.
func (s *remote) retry(f func() error) error {
	for range maxReplays {
		err := f()
		if !errors.Is(err, errGone) {
			return err
		}
	}
	return failure(StatusCrash, "worker broke %d times under other cases", maxReplays)
}

// sync makes the living worker know this session: opens it there and repeats
// the steps that it has had.
func (s *remote) sync(ctx context.Context) error {
	cn, gen, err := s.w.acquire(ctx)
	if err != nil || gen == s.gen {
		return err
	}
	id := s.w.next.Add(1)
	open := &message{Type: "open", Session: id, Dataset: s.c.Dataset, Case: s.c.Case, Class: s.c.Class,
		Shape: s.c.Dims, Spacing: s.c.Spacing, Affine: s.c.Affine, Paths: s.c.Paths}
	if cn.hello.Image == "raw" {
		if open.Image, err = s.sendImage(cn, gen); err != nil {
			return err
		}
	}
	reply, err := cn.ask(ctx, open, "opened", s.w.opt.Timeout)
	if err != nil {
		return err
	}
	if reply.Error != "" {
		return failure(StatusError, "open: %s", reply.Error)
	}
	for _, m := range s.history {
		again := *m
		again.Session = id
		if _, err := cn.ask(ctx, &again, "result", s.w.opt.Timeout); err != nil {
			return err
		}
	}
	s.cn, s.gen, s.id = cn, gen, id
	return nil
}

// sendImage sends the case's samples unless this worker has them.
func (s *remote) sendImage(cn *conn, gen int) (string, error) {
	id := imageID(s.c.Dataset, s.c.Case)
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.gen != gen {
		return "", errGone
	}
	if s.w.sent[id] {
		return id, nil
	}
	im, err := s.c.Load()
	if err != nil {
		return "", err
	}
	s.w.sent[id] = true
	return id, cn.send(imageMessage(id, im))
}

func imageMessage(id string, im *data.Image) *message {
	order := "C"
	if im.Order == mask.FortranOrder {
		order = "F"
	}
	return &message{Type: "image", Image: id, Shape: im.Dims, DType: im.Type.Descr(), Order: order,
		Channels: im.Channels, Slope: im.Slope, Inter: im.Inter, payload: im.Data}
}

// Step asks for a prediction. Kinds of prompts that the worker does not know
// are its own to refuse.
func (s *remote) Step(ctx context.Context, st *Step) (Result, error) {
	all, err := json.Marshal(nonNil(st.All))
	if err != nil {
		return Result{}, err
	}
	index := st.Index
	m := &message{Type: "step", Step: &index, New: st.New, Prompts: all}
	if st.Previous != nil {
		m.Previous = "bits"
		m.payload = st.Previous.AppendBits(nil)
	}
	var reply *message
	err = s.retry(func() error {
		if err := s.sync(ctx); err != nil {
			return err
		}
		ask := *m
		ask.Session = s.id
		var err error
		reply, err = s.cn.ask(ctx, &ask, "result", s.w.opt.Timeout)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	s.w.answered()
	s.history = append(s.history, m)
	if reply.Error != "" {
		return Result{}, failure(StatusError, "%s", reply.Error)
	}
	out, err := reply.decodeMask(s.c.Dims, s.c.Spacing)
	if err != nil {
		return Result{}, failure(StatusBadResult, "%w", err)
	}
	return Result{Mask: out, ModelMS: reply.MS, Peak: reply.PeakMem}, nil
}

func nonNil(p []robot.Prompt) []robot.Prompt {
	if p == nil {
		return []robot.Prompt{}
	}
	return p
}

// Close lets the worker forget the session.
func (s *remote) Close() error {
	if s.cn != nil && !s.cn.dead() {
		_ = s.cn.send(&message{Type: "close", Session: s.id})
	}
	return nil
}
