package dataset

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func testEnv() *Env {
	return &Env{Log: slog.New(slog.DiscardHandler)}
}

func startEnv(e *Env) (stop func()) {
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e.Close
}

func TestFlightRunsOnce(t *testing.T) {
	env := testEnv()
	defer startEnv(env)()
	f := newFlights[string](env)
	var runs atomic.Int64
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := f.do(context.Background(), "k", func(context.Context) error {
				runs.Add(1)
				<-gate
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	close(gate)
	wg.Wait()
	if n := runs.Load(); n != 1 {
		t.Errorf("ran %d times", n)
	}
}

// A caller that gives up leaves at once; the work goes on to its end.
func TestFlightOutlivesItsCaller(t *testing.T) {
	env := testEnv()
	defer startEnv(env)()
	f := newFlights[string](env)
	gate, done := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := f.do(ctx, "k", func(ctx context.Context) error {
		<-gate
		defer close(done)
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("left with %v", err)
	}
	close(gate)
	<-done
	if err := f.do(context.Background(), "k", func(context.Context) error { return nil }); err != nil {
		t.Errorf("the caller's end was kept as a failure: %v", err)
	}
}

func TestFailureIsRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := testEnv()
		defer startEnv(env)()
		f := newFlights[string](env)
		runs := 0
		work := func(context.Context) error { runs++; return errors.New("broken") }
		for range 3 {
			if err := f.do(context.Background(), "k", work); err == nil || err.Error() != "broken" {
				t.Fatal(err)
			}
		}
		if runs != 1 {
			t.Errorf("tried %d times at once", runs)
		}
		time.Sleep(failureTime + time.Second)
		_ = f.do(context.Background(), "k", work)
		if runs != 2 {
			t.Errorf("tried %d times after the failure's time", runs)
		}
	})
}

func TestFlightSurvivesPanic(t *testing.T) {
	env := testEnv()
	defer startEnv(env)()
	f := newFlights[string](env)
	err := f.do(context.Background(), "k", func(context.Context) error { panic("lying header") })
	if err == nil || !strings.Contains(err.Error(), "lying header") {
		t.Errorf("got %v", err)
	}
}

func TestCloseEndsWork(t *testing.T) {
	env := testEnv()
	stop := startEnv(env)
	f := newFlights[string](env)
	started := make(chan struct{})
	go func() {
		<-started
		stop()
	}()
	err := f.do(context.Background(), "k", func(ctx context.Context) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	stop()
	if err := f.do(context.Background(), "j", func(context.Context) error { return nil }); err == nil {
		t.Error("work began after Close")
	}
}
