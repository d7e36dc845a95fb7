package dataset

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

type memoryFacts map[string][]byte

func (m memoryFacts) Get(k string) ([]byte, bool)  { v, ok := m[k]; return v, ok }
func (m memoryFacts) Set(k string, v []byte) error { m[k] = v; return nil }
func (m memoryFacts) Each(prefix string, fn func(string, []byte) bool) error {
	for k, v := range m {
		if strings.HasPrefix(k, prefix) && !fn(k, v) {
			return nil
		}
	}
	return nil
}

func TestFailures(t *testing.T) {
	facts := memoryFacts{}
	f := NewFailures(facts)
	for _, path := range []string{"datasets/a/images/1.png", "datasets/ab/images/1.png", "datasets/a/images/1.png"} {
		f.Add(path, "EIO", errors.New("broken "+path))
	}
	if n := strings.Count(string(f.Lines()), "\n"); n != 3 || f.Len() != 3 {
		t.Errorf("%d lines, %d failures", n, f.Len())
	}
	later := NewFailures(facts) // another mount
	for path, want := range map[string]int{
		"": 2, ".": 2, "datasets": 2, "datasets/a": 1, "datasets/a/images/1.png": 1, "datasets/a/images/1": 0, "datasets/b": 0,
	} {
		if got, err := later.Below(path); err != nil || len(got) != want {
			t.Errorf("below %q: %v, %v, want %d", path, got, err, want)
		}
	}
	last, ok := later.Last("datasets/ab/images/1.png")
	if !ok || last.Errno != "EIO" || last.Error != "broken datasets/ab/images/1.png" {
		t.Errorf("last: %+v %v", last, ok)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	f := NewFailures(memoryFacts{})
	for i := range 3 * maxFailures {
		f.Add("p", "EIO", fmt.Errorf("failure %d", i))
	}
	if n := f.Len(); n > maxFailures {
		t.Errorf("%d failures kept", n)
	}
	if !strings.Contains(string(f.Lines()), fmt.Sprintf("failure %d", 3*maxFailures-1)) {
		t.Error("the newest failure is not there")
	}
}
