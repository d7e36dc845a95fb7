package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// client is the api of a mount, over its socket.
type client struct{ http http.Client }

var _ api = (*client)(nil)

// dialControl returns the api of the mount that uses the cache folder; the
// error is errNoMount where there is none.
func dialControl(ctx context.Context, dir string) (*client, error) {
	c, err := dialSocket(ctx, dir)
	if err != nil {
		return nil, err
	}
	c.Close()
	return &client{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialSocket(ctx, dir) },
	}}}, nil
}

// Close ends idle connections.
func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// do sends a request and returns the answer's body.
func (c *client) do(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://mount"+path, in)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("the mount does not answer: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	var w wireError
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxRequest)).Decode(&w); err != nil || w.Error == "" {
		return nil, fmt.Errorf("the mount answers %s", resp.Status)
	}
	return nil, w.err()
}

// call is do for answers that are one value.
func call[T any](ctx context.Context, c *client, method, path string, body any) (T, error) {
	var v T
	r, err := c.do(ctx, method, path, body)
	if err != nil {
		return v, err
	}
	defer r.Close()
	if err := json.NewDecoder(r).Decode(&v); err != nil {
		return v, fmt.Errorf("the mount's answer: %w", err)
	}
	return v, nil
}

func (c *client) Status(ctx context.Context) (*status, error) {
	return call[*status](ctx, c, "GET", "/status", nil)
}

func (c *client) List(ctx context.Context, f filter) ([]dataset, error) {
	return call[[]dataset](ctx, c, "POST", "/ls", f)
}

func (c *client) Info(ctx context.Context, id string) (*datasetInfo, error) {
	return call[*datasetInfo](ctx, c, "GET", "/info?id="+url.QueryEscape(id), nil)
}

func (c *client) Why(ctx context.Context, path string) ([]failure, error) {
	return call[[]failure](ctx, c, "GET", "/why?path="+url.QueryEscape(path), nil)
}

func (c *client) Lock(ctx context.Context, ids []string) (*lockFile, error) {
	return call[*lockFile](ctx, c, "POST", "/lock", ids)
}

func (c *client) CacheStat(ctx context.Context) (*cacheStat, error) {
	return call[*cacheStat](ctx, c, "GET", "/cache", nil)
}

func (c *client) CacheTrim(ctx context.Context, limit int64) (*cacheStat, error) {
	return call[*cacheStat](ctx, c, "POST", "/cache/trim", struct{ Limit int64 }{limit})
}

func (c *client) CacheClear(ctx context.Context) (*cacheStat, error) {
	return call[*cacheStat](ctx, c, "POST", "/cache/clear", nil)
}

func (c *client) Fetch(ctx context.Context, req fetchRequest, emit func(fetchEvent)) error {
	r, err := c.do(ctx, "POST", "/fetch", req)
	if err != nil {
		return err
	}
	defer r.Close()
	for d := json.NewDecoder(r); ; {
		var e wireEvent
		err := d.Decode(&e)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the mount ended before the fetch did; run it again to go on")
		case err != nil:
			return fmt.Errorf("the mount's answer: %w", err)
		case e.End && e.Error != nil:
			return e.Error.err()
		case e.End:
			return nil
		case e.Event != nil:
			emit(*e.Event)
		}
	}
}
