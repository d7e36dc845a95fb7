package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

type mapFacts map[string][]byte

func (m mapFacts) Get(k string) ([]byte, bool) { v, ok := m[k]; return v, ok }

func (m mapFacts) Set(k string, v []byte) error { m[k] = v; return nil }

func TestBudgetOfADay(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 1000)) }))
	defer srv.Close()
	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	now = func() time.Time { return at }
	defer func() { now = time.Now }()
	facts := mapFacts{}
	get := func(n int) (err error) {
		c := New(Options{BudgetDay: 2500, Trusted: []string{"127.0.0.1"}, Facts: blob.Facts(facts)})
		defer c.Close()
		for range n {
			if _, err = c.Get(context.Background(), srv.URL, 1<<20); err != nil {
				return err
			}
		}
		return nil
	}
	if err := get(2); err != nil {
		t.Fatal(err)
	}
	if err := get(2); !errors.Is(err, ErrBudget) { // a second client: 3000 bytes of 2500
		t.Errorf("the same day: %v", err)
	}
	at = at.Add(24 * time.Hour)
	if err := get(2); err != nil {
		t.Errorf("the next day: %v", err)
	}
}
