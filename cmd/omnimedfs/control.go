package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxRequest bounds the body of a request to the control socket.
const maxRequest = 8 << 20

// wireError is the body of an answer that is an error.
type wireError struct {
	Error    string `json:"error"`
	NotFound bool   `json:"not_found,omitempty"`
}

// wireEvent is one line of a fetch's answer. The last one has End set; an
// answer without it was cut short.
type wireEvent struct {
	Event *fetchEvent `json:"event,omitempty"`
	End   bool        `json:"end,omitempty"`
	Error *wireError  `json:"error,omitempty"`
}

// control serves an api on the socket of a cache folder.
type control struct {
	server *http.Server
	done   chan struct{}
}

// serveControl starts to serve. The caller calls Close.
func serveControl(dir string, a api) (*control, error) {
	l, err := listenSocket(dir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &control{
		server: &http.Server{
			Handler:           routes(a),
			ReadHeaderTimeout: 10 * time.Second,
			BaseContext:       func(net.Listener) context.Context { return ctx },
		},
		done: make(chan struct{}),
	}
	c.server.RegisterOnShutdown(cancel)
	go func() {
		defer close(c.done)
		_ = c.server.Serve(l) // ends with ErrServerClosed
	}()
	return c, nil
}

// Close ends the requests that run and removes the socket.
func (c *control) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := c.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = c.server.Close()
	}
	<-c.done
	return err
}

func routes(a api) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		v, err := a.Status(r.Context())
		answer(w, v, err)
	})
	mux.HandleFunc("POST /ls", func(w http.ResponseWriter, r *http.Request) {
		var f filter
		if !decode(w, r, &f) {
			return
		}
		v, err := a.List(r.Context(), f)
		answer(w, v, err)
	})
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, r *http.Request) {
		v, err := a.Info(r.Context(), r.URL.Query().Get("id"))
		answer(w, v, err)
	})
	mux.HandleFunc("GET /why", func(w http.ResponseWriter, r *http.Request) {
		v, err := a.Why(r.Context(), r.URL.Query().Get("path"))
		answer(w, v, err)
	})
	mux.HandleFunc("POST /fetch", func(w http.ResponseWriter, r *http.Request) { serveFetch(a, w, r) })
	mux.HandleFunc("POST /lock", func(w http.ResponseWriter, r *http.Request) {
		var ids []string
		if !decode(w, r, &ids) {
			return
		}
		v, err := a.Lock(r.Context(), ids)
		answer(w, v, err)
	})
	mux.HandleFunc("GET /cache", func(w http.ResponseWriter, r *http.Request) {
		v, err := a.CacheStat(r.Context())
		answer(w, v, err)
	})
	mux.HandleFunc("POST /cache/trim", func(w http.ResponseWriter, r *http.Request) {
		var req struct{ Limit int64 }
		if !decode(w, r, &req) {
			return
		}
		if req.Limit < 0 {
			http.Error(w, `{"error":"negative limit"}`, http.StatusBadRequest)
			return
		}
		v, err := a.CacheTrim(r.Context(), req.Limit)
		answer(w, v, err)
	})
	mux.HandleFunc("POST /cache/clear", func(w http.ResponseWriter, r *http.Request) {
		v, err := a.CacheClear(r.Context())
		answer(w, v, err)
	})
	return mux
}

func decode(w http.ResponseWriter, r *http.Request, v any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(v)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(wireError{Error: err.Error()})
	}
	return err == nil
}

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		v = toWire(err)
	}
	_ = json.NewEncoder(w).Encode(v) // the client went away
}

func toWire(err error) *wireError {
	return &wireError{Error: err.Error(), NotFound: errors.Is(err, errNotFound)}
}

// err is the error that the other side had, as far as callers tell them apart.
func (w *wireError) err() error {
	if w.NotFound {
		return &remoteError{w.Error, errNotFound}
	}
	return &remoteError{w.Error, nil}
}

type remoteError struct {
	text string
	is   error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.is }

// serveFetch streams a line an event.
func serveFetch(a api, w http.ResponseWriter, r *http.Request) {
	var req fetchRequest
	if !decode(w, r, &req) {
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	rc := http.NewResponseController(w)
	lines := json.NewEncoder(w)
	var mu sync.Mutex
	send := func(e wireEvent) {
		mu.Lock()
		defer mu.Unlock()
		if lines.Encode(e) == nil {
			_ = rc.Flush()
		}
	}
	err := a.Fetch(r.Context(), req, func(e fetchEvent) { send(wireEvent{Event: &e}) })
	end := wireEvent{End: true}
	if err != nil {
		end.Error = toWire(fmt.Errorf("fetch: %w", err))
	}
	send(end)
}
