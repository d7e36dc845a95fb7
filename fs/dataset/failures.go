package dataset

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Failure is one failed operation, as errors.jsonl and `why` tell it.
type Failure struct {
	Time  time.Time `json:"time"`
	Path  string    `json:"path"` // below the mount point
	Errno string    `json:"errno"`
	Error string    `json:"error"`
}

// Failures keeps what errnos lose. The last failure of a path outlives the
// mount; the list behind errors.jsonl is bounded and of this mount alone.
type Failures struct {
	facts FailureStore
	mu    sync.Mutex
	lines [][]byte
	count map[string]int64 // of this mount, by errno
}

const maxFailures = 1000

// FailureStore outlives the mount. Each calls fn, until it returns false, for
// the keys that begin with prefix.
type FailureStore interface {
	blob.Facts
	Each(prefix string, fn func(key string, value []byte) bool) error
}

// NewFailures keeps failures in facts, under "why:".
func NewFailures(facts FailureStore) *Failures { return &Failures{facts: facts} }

// Add records that an operation on path failed.
func (f *Failures) Add(path, errno string, err error) {
	line, jerr := json.Marshal(Failure{time.Now().UTC().Truncate(time.Millisecond), path, errno, err.Error()})
	if jerr != nil {
		return
	}
	f.mu.Lock()
	if f.count == nil {
		f.count = map[string]int64{}
	}
	f.count[errno]++
	if len(f.lines) >= maxFailures {
		f.lines = append(f.lines[:0], f.lines[maxFailures/2:]...)
	}
	f.lines = append(f.lines, append(line, '\n'))
	f.mu.Unlock()
	_ = f.facts.Set("why:"+path, line)
}

// Last returns the last failure of path.
func (f *Failures) Last(path string) (Failure, bool) {
	line, ok := f.facts.Get("why:" + path)
	if !ok {
		return Failure{}, false
	}
	var last Failure
	if json.Unmarshal(line, &last) != nil {
		return Failure{}, false
	}
	return last, true
}

// Below returns the last failures of path and of what is below it; "" or "."
// means everything.
func (f *Failures) Below(path string) ([]Failure, error) {
	var out []Failure
	if path == "." {
		path = ""
	}
	err := f.facts.Each("why:"+path, func(key string, line []byte) bool {
		rest := strings.TrimPrefix(key, "why:"+path)
		var one Failure
		if (path == "" || rest == "" || rest[0] == '/') && json.Unmarshal(line, &one) == nil {
			out = append(out, one)
		}
		return true
	})
	return out, err
}

// ByErrno counts the failures of this mount by their errno.
func (f *Failures) ByErrno() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.count)
}

// Len counts the failures of this mount that Lines returns.
func (f *Failures) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.lines)
}

// Lines returns the failures of this mount, oldest first, one JSON object a line.
func (f *Failures) Lines() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.Join(f.lines, nil)
}
